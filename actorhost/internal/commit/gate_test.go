package commit_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/call"
	"github.com/troupe-go/troupe/actorhost/internal/commit"
	"github.com/troupe-go/troupe/internal/dedup"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
)

var errRefused = errors.New("the server refused it")

// TestWhatBecomesOfAWrite has three calls wait: the first has made the change that is being written, the second has only
// seen it, and the third has made a change for the next write.
func TestWhatBecomesOfAWrite(t *testing.T) {
	t.Parallel()
	const unknown, unavailable = "outcome_unknown", "unavailable"
	for name, c := range map[string]struct {
		end     func(f *fake, w *flight)
		outputs string // of the first two
		next    string // of the third, and of a fourth that comes later
		state   string
		after   time.Duration
	}{
		"it is stored": {
			end:     func(_ *fake, w *flight) { w.store() },
			outputs: "done", next: "done", state: "4",
		},
		"somebody else has written": {
			end:     func(_ *fake, w *flight) { w.fail(store.ErrConflict) },
			outputs: unavailable, next: unavailable, state: "0",
		},
		"the server refuses it": {
			end:     func(_ *fake, w *flight) { w.fail(errRefused) },
			outputs: unavailable, next: unavailable, state: "0",
		},
		"not answered, and stored": {
			end:     func(_ *fake, w *flight) { w.land(); w.fail(store.ErrOutcomeUnknown) },
			outputs: "done", next: "done", state: "4",
		},
		"not answered, and not stored": {
			end:     func(_ *fake, w *flight) { w.fail(store.ErrOutcomeUnknown) },
			outputs: "done", next: "done", state: "4",
		},
		"not answered, and somebody else has written": {
			end: func(f *fake, w *flight) {
				other := record.Record{Owner: "other", Created: true, State: []byte("9")}
				_, _ = f.write(&other, epoch)
				w.fail(store.ErrOutcomeUnknown)
			},
			outputs: unknown, next: unavailable, state: "9",
		},
		"not answered, and the server is away for a while": {
			end: func(f *fake, w *flight) {
				w.land()
				f.set(func(f *fake) { f.down = errRefused })
				time.AfterFunc(5*time.Second, func() { f.set(func(f *fake) { f.down = nil }) })
				w.fail(store.ErrOutcomeUnknown)
			},
			outputs: "done", next: "done", state: "4", after: 5 * time.Second,
		},
		"not answered, and the server stays away": {
			end: func(f *fake, w *flight) {
				w.land()
				f.set(func(f *fake) { f.down = errRefused })
				w.fail(store.ErrOutcomeUnknown)
			},
			outputs: unknown, next: unknown, state: "1", after: 10 * time.Second,
		},
		"not answered, and the lease is lost": {
			end: func(f *fake, w *flight) {
				w.land()
				f.set(func(f *fake) { f.noLease = true })
				w.fail(store.ErrOutcomeUnknown)
			},
			outputs: unknown, next: unknown, state: "1",
		},
		"not answered, and the host gives up": {
			end: func(f *fake, w *flight) {
				w.land()
				f.host.Ctx = canceled() //nolint:fatcontext // a host gives up once
				w.fail(store.ErrOutcomeUnknown)
			},
			outputs: unknown, next: unknown, state: "1",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFake(t)
				f.change("1")
				w := f.take()
				f.look("2")
				f.change("3")
				require.Empty(t, f.outputs(), "nothing is stored")
				c.end(f, w)
				if c.after > 0 {
					<-time.After(c.after - time.Millisecond)
					require.Empty(t, f.outputs())
					<-time.After(100 * time.Millisecond)
				}
				f.storeAll()
				f.change("4")
				f.storeAll()
				require.Equal(t, fmt.Sprintf("1 %s, 2 %[1]s, 3 %s, 4 %[2]s", c.outputs, c.next), f.outputs())
				require.Equal(t, c.state, f.state())
				require.Equal(t, c.next != "done", f.ended)
				require.Equal(t, c.next == "done", f.gate.Settle() == nil)
				require.True(t, f.gate.Flush(), "the journal has nothing")
			})
		})
	}
}

func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// TestHoldsWhatWaitsForAWrite has one call wait for the write that is under way and one for the next.
func TestHoldsWhatWaitsForAWrite(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		holds := func() (held []string) {
			for _, name := range []string{"1", "2", "3"} {
				if f.gate.Holds(func(c *call.Call) bool { return c.Reply == name }) {
					held = append(held, name)
				}
			}
			return held
		}
		require.Empty(t, holds(), "at rest")
		f.change("1")
		w := f.take()
		f.change("2")
		require.Equal(t, []string{"1", "2"}, holds())
		w.store()
		synctest.Wait()
		require.Equal(t, []string{"2"}, holds())
		f.storeAll()
		require.Empty(t, holds())
	})
}

// storeAll stores every requested write. It must be called in a bubble.
func (f *fake) storeAll() {
	for synctest.Wait(); len(f.asked) > 0; synctest.Wait() {
		f.take().store()
	}
}

// TestSettleWaitsUntilAllIsAnswered: the connection may be closed afterwards.
func TestSettleWaitsUntilAllIsAnswered(t *testing.T) {
	t.Parallel()
	for method, end := range map[string]func(*flight){
		"Reply":  (*flight).store,
		"Refuse": func(w *flight) { w.fail(store.ErrConflict) },
	} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, held := newFake(t), make(chan struct{})
				f.on[method] = func() { <-held }
				f.change("1")
				go end(f.take())
				settled := false
				go func() { _ = f.gate.Settle(); settled = true }()
				synctest.Wait()
				require.False(t, settled)
				close(held)
				synctest.Wait()
				require.True(t, settled)
				require.NotEmpty(t, f.outputs())
			})
		})
	}
}

// TestWhatIsNotWritten has calls wait for a write that is never sent: they have had no effect.
func TestWhatIsNotWritten(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before func(f *fake)
		err    error
	}{
		"the lease is lost":              {func(f *fake) { f.noLease = true }, errNoLease},
		"there is no state":              {func(f *fake) { f.gate = commit.Gate{}; f.gate.Open(&f.host, f) }, nil},
		"the records are closed already": {func(f *fake) { f.broken = errRefused }, errRefused},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			c.before(f)
			_, change := event("rang", false)
			f.set(func(f *fake) { f.unchanged = nil })
			f.gate.Pass(output("1"), &commit.Changes{Parts: []record.Change{change}})
			f.look("2")
			for len(f.asked) > 0 {
				require.Nil(t, f.take())
			}
			f.look("3")
			require.Equal(t, "1 unavailable, 2 unavailable, 3 unavailable", f.outputs())
			require.True(t, f.ended)
			if err := f.gate.Settle(); c.err != nil {
				require.ErrorIs(t, err, c.err)
			} else {
				require.ErrorContains(t, err, "no state")
			}
			require.Equal(t, "0", f.state())
		})
	}
}

func TestTurnsShareTheNextWrite(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.change("1")
	f.change("2")
	first := f.take()
	for n := 3; n < 10; n++ {
		f.change(fmt.Sprint(n))
	}
	require.Empty(t, f.asked, "of an actor there is one write at a time")
	first.store()
	require.Equal(t, "2", f.state())
	require.Equal(t, "1 done, 2 done", f.outputs())
	f.take().store()
	require.Equal(t, "9", f.state())
	require.Equal(t, "3 done, 4 done, 5 done, 6 done, 7 done, 8 done, 9 done", f.outputs())
	require.Empty(t, f.asked)
	f.look("10")
	require.Equal(t, "10 done", f.outputs(), "there is nothing to wait for")
}

// TestWhatOthersLookForIsNotInTheJournalAlone makes a shared change while a write waits for the journal.
func TestWhatOthersLookForIsNotInTheJournalAlone(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.change("1")
	require.True(t, f.asked[0].journal)
	f.broadcast("2", "rang", false)
	require.Nil(t, f.take())
	require.Len(t, f.asked, 1)
	require.False(t, f.asked[0].journal)
	w := f.take()
	f.change("3")
	w.store()
	require.Equal(t, "1 done, rang 1, 2 done", f.outputs())
	require.True(t, f.asked[0].journal)
}

func TestEventsLeaveBeforeTheReplyOfTheirTurn(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.broadcast("1", "rang", false)
	f.broadcast("2", "rang", false)
	alone := &commit.Event{Broadcast: record.Broadcast{Event: "hello"}, Subject: "inbox"}
	f.gate.Pass(output("3", alone), &commit.Changes{})
	require.Empty(t, f.outputs())
	f.take().store()
	require.Equal(t, "rang 1, 1 done, rang 2, 2 done, hello 0, 3 done", f.outputs())
	parts, err := f.record.Open()
	require.NoError(t, err)
	require.Equal(t, troupe.Position{Epoch: epoch, Sequence: 2}, parts.Events().Last("rang"))
}

// TestBuffersAreForTheNextTurn uses the buffer of a reply again as soon as Pass has returned.
func TestBuffersAreForTheNextTurn(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.look("0")
	o := output("1")
	buffer := o.Reply.Data
	f.gate.Pass(o, &commit.Changes{State: []byte("1")})
	copy(buffer, "????")
	f.take().store()
	require.Equal(t, "0 done, 1 done", f.outputs())
	answer, failed, v := f.gate.Find(&o.Call)
	require.Nil(t, failed)
	require.Equal(t, dedup.Answered, v)
	require.Equal(t, "done", string(answer.Output))
}

// TestAnswersAreStoredWithWhatTheyTellOf: the next activation does not run the call again.
func TestAnswersAreStoredWithWhatTheyTellOf(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.change("1")
	f.look("2")
	f.take().store()
	parts, err := f.record.Open()
	require.NoError(t, err)
	next := newFake(t)
	next.gate.Restore(parts)
	for name, want := range map[string]dedup.Verdict{"1": dedup.Answered, "2": dedup.New, "3": dedup.New} {
		_, _, v := next.gate.Find(&output(name).Call)
		require.Equal(t, want, v, name)
	}
	_, _, v := next.gate.Find(&call.Call{})
	require.Equal(t, dedup.New, v)
}

// TestNextTurnWaitsWhenTooMuchIsHeldBack holds back as many outputs as may wait.
func TestNextTurnWaitsWhenTooMuchIsHeldBack(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*flight){
		"until it is sent":    (*flight).store,
		"until it is refused": func(w *flight) { w.fail(store.ErrConflict) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const limit = 1024
				f := newFake(t)
				f.gate.WaitForRoom()
				f.change("1")
				w := f.take()
				for range limit - 2 {
					f.look("look")
				}
				f.gate.WaitForRoom()
				f.look("last")
				waits := true
				go func() { f.gate.WaitForRoom(); waits = false }()
				synctest.Wait()
				require.True(t, waits)
				end(w)
				synctest.Wait()
				require.False(t, waits)
				require.Len(t, f.sent, limit)
			})
		})
	}
}
