//go:build chaos && unix

package chaos_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
)

// ear is one subscription of a program to journals, and all that it was told, in that order.
type ear struct {
	name string
	key  string // of its journal; empty: all
	ends func() (<-chan struct{}, func() error)

	noGaps atomic.Bool // it takes no notice of gaps

	mu   sync.Mutex
	told []told
}

// gapTelling is a guarantee of clients, which can be switched off like those of hosts: what is missing is told.
const gapTelling = "telling-gaps"

// told is an event, or a gap.
type told struct {
	key   string // of the journal; empty: any
	at    uint64 // the number of the event; 0 is a gap
	entry string
}

func (e *ear) hear(ctx context.Context, entry string) error {
	delivery, _ := troupe.DeliveryOf(ctx)
	e.add(told{delivery.Actor.KeyString(), delivery.Position.Sequence, entry})
	return nil
}

func (e *ear) gap(_ context.Context, gap troupe.Gap) error {
	if e.noGaps.Load() {
		return nil
	}
	one := told{}
	if !gap.Actor.IsZero() {
		one.key = gap.Actor.KeyString()
	}
	e.add(one)
	return nil
}

func (e *ear) add(one told) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.told = append(e.told, one)
}

func (e *ear) all() []told {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.told)
}

// mine reports whether it listens to a journal.
func (e *ear) mine(key string) bool { return e.key == "" || e.key == key }

// count says what was told of a journal.
func (e *ear) count(key string) string {
	events, gaps := 0, 0
	for _, one := range e.all() {
		switch {
		case one.at > 0 && one.key == key:
			events++
		case one.at == 0 && (one.key == "" || one.key == key):
			gaps++
		}
	}
	return fmt.Sprintf("%s: %d heard, %d gaps", e.name, events, gaps)
}

// has reports whether an entry was heard.
func (e *ear) has(key, entry string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.ContainsFunc(e.told, func(one told) bool { return one.at > 0 && one.key == key && one.entry == entry })
}

// listens has the client subscribe to journals in each way that there is: to each alone, to all at once, and by a
// connection with each.
func (c *caller) listens(t *testing.T, keys []string) (ears []*ear) {
	t.Helper()
	subscribed := func(e *ear, sub troupe.Subscription, err error) {
		require.NoError(t, err)
		e.ends = func() (<-chan struct{}, func() error) { return sub.Done(), sub.Err }
		ears = append(ears, e)
	}
	for _, key := range keys {
		one := &ear{name: "subscription to " + key, key: key}
		sub, err := entered.Subscribe(t.Context(), troupe.GetOrCreate[journal](c.bus, key), one.hear, troupe.OnGap(one.gap))
		subscribed(one, sub, err)
		through := &ear{name: "connection with " + key, key: key}
		conn, err := join.Connect(t.Context(), troupe.GetOrCreate[journal](c.bus, key), nil, entered.On(through.hear, troupe.OnGap(through.gap)))
		require.NoError(t, err)
		through.ends = func() (<-chan struct{}, func() error) { return conn.Done(), conn.Err }
		ears = append(ears, through)
	}
	all := &ear{name: "subscription to all"}
	sub, err := entered.SubscribeAll(t.Context(), troupe.All[journal](c.bus), all.hear, troupe.OnGap(all.gap))
	subscribed(all, sub, err)
	return ears
}

// check compares what was told of a journal with what is in it. From the first event on, each was heard in its turn and
// once, or a gap was told in its place.
func (e *ear) check(key string, written []string) (faults []string) {
	all := e.all()
	last, gaps := uint64(0), 0
	for _, one := range all {
		switch {
		case one.at == 0 && (one.key == "" || one.key == key):
			gaps++
		case one.key != key:
		case one.at <= last:
			faults = append(faults, fmt.Sprintf("the %s has heard number %d of %s after %d", e.name, one.at, key, last))
		case one.at > uint64(len(written)) || written[one.at-1] != one.entry:
			faults = append(faults, fmt.Sprintf("the %s has heard %s as number %d of %s, which is not there", e.name, one.entry, one.at, key))
		case last > 0 && one.at > last+1 && gaps == 0:
			faults = append(faults, fmt.Sprintf("the %s has heard number %d of %s after %d, and was told of no gap", e.name, one.at, key, last))
			fallthrough
		default:
			last, gaps = one.at, 0
		}
	}
	if done, err := e.ends(); isClosed(done) {
		faults = append(faults, fmt.Sprintf("the %s has ended: %v", e.name, err()))
	}
	return faults
}

func isClosed(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// hearing bounds how long an event may take to get to those who listen when all is well again. A client may have to find
// out first that a connection of its own is lost.
const hearing = 20 * time.Second

// awaitLast waits until an entry is heard, and reports whether it was.
func (e *ear) awaitLast(key, entry string) bool {
	// What is heard arrives when it does: all there is to do is to look again.
	for began := time.Now(); time.Since(began) < hearing; time.Sleep(20 * time.Millisecond) {
		if e.has(key, entry) {
			return true
		}
	}
	return false
}

// TestEars has what a subscription may be told of a journal with four entries, and what not.
func TestEars(t *testing.T) {
	t.Parallel()
	written := []string{"a", "b", "c", "d"}
	a, b, c, d := told{"k", 1, "a"}, told{"k", 2, "b"}, told{"k", 3, "c"}, told{"k", 4, "d"}
	gap := told{key: "k"}
	for name, of := range map[string]struct {
		told []told
		want string
	}{
		"all":                    {[]told{a, b, c, d}, ""},
		"from the second on":     {[]told{b, c, d}, ""},
		"a gap":                  {[]told{a, gap, c, d}, ""},
		"a gap of any":           {[]told{a, {}, d}, ""},
		"a gap for nothing":      {[]told{a, gap, b, c, d}, ""},
		"others between":         {[]told{a, {"l", 7, "x"}, b, c, d}, ""},
		"one is missing":         {[]told{a, c, d}, "number 3 of k after 1, and was told of no gap"},
		"a gap elsewhere":        {[]told{a, {key: "l"}, c, d}, "number 3 of k after 1, and was told of no gap"},
		"a gap before, and then": {[]told{a, gap, b, d}, "number 4 of k after 2, and was told of no gap"},
		"a gap that comes late":  {[]told{a, c, gap, d}, "number 3 of k after 1, and was told of no gap"},
		"twice":                  {[]told{a, b, b, c, d}, "number 2 of k after 2"},
		"out of order":           {[]told{a, c, b, d}, "number 3 of k after 1, and was told of no gap"},
		"not there":              {[]told{a, b, c, d, {"k", 5, "e"}}, "has heard e as number 5"},
		"another":                {[]told{a, {"k", 2, "x"}, c, d}, "has heard x as number 2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := &ear{name: "ear", told: of.told, ends: func() (<-chan struct{}, func() error) { return t.Context().Done(), nil }}
			faults := e.check("k", written)
			if of.want == "" {
				require.Empty(t, faults)
			} else {
				require.NotEmpty(t, faults)
				require.Contains(t, faults[0], of.want)
			}
		})
	}
}
