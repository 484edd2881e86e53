package commit_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
)

// model is what a test knows of the turns of an activation whose writes end in any way at any time.
type model struct {
	*fake
	goroutines []func()
	flight     *flight

	turns  []turn // by number, from 1 on; a turn that changes the state sets it to its number
	stored int    // highest state that was ever stored
	unsure bool   // a write was not answered
	sent   int    // turn whose reply was sent last
	rang   int    // number of the last event
}

type turn struct {
	seen     int // the state that it has seen, or made
	changes  bool
	answered bool
}

// TestNothingIsSentBeforeItIsStored has turns and the ends of writes follow each other in any order.
func TestNothingIsSentBeforeItIsStored(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		m := &model{fake: newFake(t), turns: make([]turn, 1)}
		m.tb, m.replies = rt, m.checkSnapshot
		m.host.Go = func(do func()) { m.goroutines = append(m.goroutines, do) }
		rt.Repeat(map[string]func(*rapid.T){
			"look":           func(*rapid.T) { m.pass(false) },
			"change":         func(*rapid.T) { m.pass(true) },
			"broadcast":      func(*rapid.T) { m.pass(true, "rang") },
			"take":           m.takeOne,
			"store":          m.end((*flight).store),
			"not answered":   m.end(func(w *flight) { m.unsure = true; w.fail(store.ErrOutcomeUnknown) }),
			"answer is lost": m.end(func(w *flight) { m.unsure = true; w.land(); w.fail(store.ErrOutcomeUnknown) }),
			"lose the lease": func(rt *rapid.T) { m.noLease = rapid.IntRange(0, 9).Draw(rt, "how likely") == 0 || m.noLease },
			"other writes": func(rt *rapid.T) {
				if rapid.IntRange(0, 9).Draw(rt, "how likely") == 0 {
					_, _ = m.write(&record.Record{Owner: "other", State: m.record.State}, m.record.Revision)
				}
			},
			"go on": func(*rapid.T) { m.goOn() },
			"rest":  func(*rapid.T) { m.gate.DropCaches() },
			"":      func(*rapid.T) { m.check() },
		})
		for m.flight != nil || len(m.asked) > 0 || len(m.goroutines) > 0 {
			m.takeOne(nil)
			m.end((*flight).store)(nil)
			m.goOn()
			m.check()
		}
		_ = m.gate.Settle()
		for n := range m.turns[1:] {
			require.True(rt, m.turns[n+1].answered, n+1)
		}
	})
}

func (m *model) pass(changes bool, event ...string) {
	n := len(m.turns)
	now := turn{m.turns[n-1].seen, changes, false}
	if changes {
		now.seen = n
	}
	m.turns = append(m.turns, now)
	switch {
	case len(event) > 0:
		m.broadcast(strconv.Itoa(n), event[0], false)
	case changes:
		m.change(strconv.Itoa(n))
	default:
		m.look(strconv.Itoa(n))
	}
}

func (m *model) takeOne(*rapid.T) {
	if m.flight != nil || len(m.asked) == 0 {
		return
	}
	if m.flight = m.take(); m.flight != nil {
		require.Equal(m.tb, m.last(), number(m.tb, m.flight.record), "the newest state is written")
	}
}

// last returns the newest state.
func (m *model) last() int { return m.turns[len(m.turns)-1].seen }

func number(tb testingT, r record.Record) int {
	n, err := strconv.Atoi(string(r.State))
	require.NoError(tb, err)
	return n
}

// end ends the write that is under way, if there is one.
func (m *model) end(how func(w *flight)) func(*rapid.T) {
	return func(*rapid.T) {
		if w := m.flight; w != nil {
			m.flight = nil
			how(w)
		}
	}
}

// goOn runs the gate's goroutines.
func (m *model) goOn() {
	goroutines := m.goroutines
	m.goroutines = nil
	for _, do := range goroutines {
		do()
	}
}

// checkSnapshot checks that a reply leaves when the snapshot has what it tells of.
func (m *model) checkSnapshot(name string) {
	if s := m.gate.Snapshot(); s != nil {
		n, _ := strconv.Atoi(name)
		require.GreaterOrEqual(m.tb, number(m.tb, record.Record{State: s.State}), m.turns[n].seen, "the snapshot is old")
	}
}

// check checks what was sent since the last check.
func (m *model) check() {
	if m.record.Owner == owner {
		m.stored = max(m.stored, number(m.tb, m.record))
	}
	if s := m.gate.Snapshot(); s != nil {
		require.LessOrEqual(m.tb, number(m.tb, record.Record{State: s.State}), m.stored, "the snapshot is not stored")
	}
	for one := range strings.SplitSeq(m.outputs(), ", ") {
		if one == "" {
			continue
		}
		name, what, _ := strings.Cut(one, " ")
		n, _ := strconv.Atoi(name)
		switch of := &m.turns[n]; {
		case name == "rang":
			m.rang++
			require.Equal(m.tb, strconv.Itoa(m.rang), what)
		case of.answered:
			require.Fail(m.tb, "it was answered twice", one)
		case what == "done":
			require.GreaterOrEqual(m.tb, m.stored, of.seen, "it was sent before it was stored")
			require.Greater(m.tb, n, m.sent)
			m.sent, of.answered = n, true
		case what == "unavailable":
			require.False(m.tb, of.changes && m.stored >= n, "it had an effect")
			of.answered = true
		default:
			require.Equal(m.tb, "outcome_unknown", what)
			require.True(m.tb, m.unsure)
			of.answered = true
		}
	}
}
