//go:build chaos && unix

package chaos_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

// A crate takes what is put into it, and remembers whose it was. Few calls may wait for one.
type crate struct{ troupe.Ref }

func (crate) ActorType() string { return "crate" }

var (
	stow   = troupe.NewAction[crate, load, troupe.None]("stow")
	stowed = troupe.NewAction[crate, troupe.None, []int32]("stowed")
)

type load struct {
	Number  int32  `json:"number"` // no other call has it
	Content []byte `json:"content"`
}

const (
	crates      = 40
	mailbox     = 12 // calls that wait for a crate
	contentSize = 20 << 10
	slowCrates  = 4                     // which take their time
	slowly      = 50 * time.Millisecond // so that calls wait for longer than the impatient do
	little      = 400 * time.Millisecond
)

func crateActors() []actorhost.Definition {
	type contents struct {
		Numbers []int32 `json:"numbers"`
		Content []byte  `json:"content"` // the last
	}
	return []actorhost.Definition{
		actorhost.Define(func() contents { return contents{} },
			actorhost.On(stow, func(s *contents, _ *actorhost.Context, l load) (troupe.None, error) {
				if l.Number%crates < slowCrates {
					// The action works for that long.
					time.Sleep(slowly)
				}
				s.Numbers, s.Content = append(s.Numbers, l.Number), l.Content
				return nil, nil
			}),
			actorhost.On(stowed, func(s *contents, _ *actorhost.Context, _ troupe.None) ([]int32, error) { return s.Numbers, nil })).
			Config(actorhost.TypeConfig{MailboxSize: mailbox}),
	}
}

// crowd is many callers of crates.
type crowd struct {
	t       *testing.T
	clients []*client.Client
	next    atomic.Int32

	mu    sync.Mutex
	ended map[int32]error // by number of the call
}

func newCrowd(t *testing.T, s *system) *crowd {
	t.Helper()
	c := &crowd{t: t, ended: make(map[int32]error)}
	for range connections {
		nc, err := bus.Connect(t.Context(), bus.Config{URL: s.urls(), Logger: slog.New(slog.DiscardHandler)})
		require.NoError(t, err)
		t.Cleanup(nc.Close)
		cl, err := client.New(nc, client.Config{})
		require.NoError(t, err)
		c.clients = append(c.clients, cl)
	}
	return c
}

func (c *crowd) ref(n int32) crate {
	return troupe.GetOrCreate[crate](c.clients[n%connections], fmt.Sprint(n%crates))
}

// call has so many callers call until the time is over, and returns how many calls were acknowledged. One caller of four has
// little patience, the others more.
func (c *crowd) call(callers int, while, patience time.Duration) (acknowledged int) {
	ctx, cancel := context.WithTimeout(c.t.Context(), while)
	defer cancel()
	var calling sync.WaitGroup
	var count atomic.Int64
	content := make([]byte, contentSize)
	for i := range callers {
		patience := patience
		if i%4 == 0 {
			patience = little
		}
		calling.Go(func() {
			for ctx.Err() == nil {
				n := c.next.Add(1)
				one, cancel := context.WithTimeout(context.Background(), patience)
				_, err := stow.Call(one, c.ref(n), load{n, content})
				cancel()
				if err == nil {
					count.Add(1)
				}
				c.mu.Lock()
				c.ended[n] = err
				c.mu.Unlock()
			}
		})
	}
	calling.Wait()
	return int(count.Load())
}

// check compares what callers were told with what the crates have.
func (c *crowd) check() (faults []string) {
	found := make(map[int32]int)
	for i := range int32(crates) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		numbers, err := stowed.Call(ctx, c.ref(i), nil)
		cancel()
		if err != nil {
			return []string{fmt.Sprintf("reading crate %d: %v", i, err)}
		}
		for _, n := range numbers {
			found[n]++
		}
	}
	told, never := map[string]int{}, 0
	for n, err := range c.ended {
		how, code := outcome(err), troupe.Code("")
		if failed := new(troupe.Error); errors.As(err, &failed) {
			code = failed.Code
			// It is unavailable where a host is so busy that it has lost its lease.
			right := []troupe.Code{troupe.CodeOverloaded, troupe.CodeDeadlineExceeded, troupe.CodeUnavailable}
			if how == refused && (!failed.Retryable || !slices.Contains(right, code)) {
				faults = append(faults, fmt.Sprintf("call %d was refused: %v", n, err))
			}
		}
		told[how+" "+string(code)]++
		switch times := found[n]; {
		case times > 1:
			faults = append(faults, fmt.Sprintf("call %d has run %d times (%s)", n, times, how))
		case times == 0 && how == acknowledged:
			faults = append(faults, fmt.Sprintf("call %d is lost", n))
		case times == 1 && how == refused:
			faults = append(faults, fmt.Sprintf("call %d has run, and was refused: %v", n, err))
		case times == 0 && how == unknown:
			never++
		}
	}
	c.t.Logf("%d calls: %v; %d are unknown and have not run", len(c.ended), told, never)
	if never > len(c.ended)/10 { // of a few nobody could be asked in time
		faults = append(faults, fmt.Sprintf("%d calls of %d have not run, and their callers do not know", never, len(c.ended)))
	}
	if told["refused overloaded"] == 0 {
		faults = append(faults, "no call was refused as overloaded: there were too few")
	}
	return faults
}

// TestChaosOverload has more callers than actors and hosts take. What has not run is refused, and all goes on as before
// when they are gone.
func TestChaosOverload(t *testing.T) {
	t.Parallel()
	crowds := []int{1500}
	if *allSizes {
		crowds = []int{1000, 1500, 3000}
	}
	for seed := *firstSeed; seed < *firstSeed+*seeds; seed++ {
		for _, callers := range crowds {
			t.Run(fmt.Sprintf("seed=%d/callers=%d", seed, callers), func(t *testing.T) {
				t.Parallel()
				overload(t, seed, callers)
			})
		}
	}
}

func overload(t *testing.T, seed uint64, callers int) {
	t.Helper()
	s := begin(t, serversOf(seed), fmt.Sprintf("overload-%d-%d.log", seed, callers), journaling(seed)...)
	defer s.end()
	const few = 40
	c := newCrowd(t, s)
	c.call(few, time.Second, time.Minute) // all are awake
	before := c.call(few, time.Second, time.Minute)
	w := s.watch(&history{began: time.Now()}, seed, fewJournals, fewWriters)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	w.write(ctx, "", watchPause)
	began := time.Now()
	during := c.call(callers, time.Duration(*seconds)*time.Second/2, 2*time.Second)
	lasted := time.Since(began)
	stop()
	after := 0
	for ended := time.Now(); after < before/2 && time.Since(ended) < settling; {
		after = c.call(few, time.Second, time.Minute)
	}
	t.Logf("%d calls/s before, %.0f with %d callers, %d after", before, float64(during)/lasted.Seconds(), callers, after)
	if after < before/2 {
		t.Errorf("there were %d calls/s before, and %d when the crowd had gone", before, after)
	}
	findings{faults: append(c.check(), w.findings()...)}.report(t)
}
