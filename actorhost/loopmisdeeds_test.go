package actorhost_test

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
)

// A Rover does in its loop what its test wants.
type Rover struct{ troupe.Ref }

func (Rover) ActorType() string { return "rover" }

var (
	Steps = troupe.NewAction[Rover, troupe.None, int]("steps")
	Begin = troupe.NewAction[Rover, troupe.None, troupe.None]("begin")
)

type rover struct{ Steps int }

type roverLoop = actorhost.Loop[rover]

func rovers(loop func(*roverLoop) error) actorhost.ActorType[Rover, rover] {
	return actorhost.Define(func() rover { return rover{} }, actorhost.On(Steps, stepsOf)).Loop(loop)
}

func stepsOf(s *rover, _ *actorhost.Context, _ troupe.None) (int, error) { return s.Steps, nil }

// step is a turn that changes the state.
func step(l *roverLoop) error {
	return l.Turn(func(s *rover, _ *actorhost.Context) error { s.Steps++; return nil })
}

func wakeRover(t *testing.T, b *hosttest.Bus, key string) Rover {
	t.Helper()
	r := troupe.GetOrCreate[Rover](b.Client, key)
	_, err := Steps.Call(t.Context(), r, nil)
	require.NoError(t, err)
	return r
}

func stepsTaken(t *testing.T, r Rover) int {
	t.Helper()
	n, err := Steps.Call(t.Context(), r, nil)
	require.NoError(t, err)
	return n
}

// virtually lets virtual time pass.
func virtually(d time.Duration) { time.Sleep(d) } //nolint:forbidigo // virtual time

// TestTurnWithinATurn has a loop wait for itself.
func TestTurnWithinATurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := make(chan error, 2)
		b := hosttest.Start(t, rovers(func(l *roverLoop) error {
			return errors.Join(l.Turn(func(*rover, *actorhost.Context) error { inner <- step(l); return nil }), step(l))
		}).Config(actorhost.TypeConfig{ActionTimeout: 5 * time.Second}))
		r := wakeRover(t, b, "a")
		select {
		case err := <-inner:
			require.ErrorIs(t, err, troupe.ErrBadInput)
			require.ErrorContains(t, err, "within a turn")
		case <-time.After(time.Minute):
			t.Fatal("it waits for ever")
		}
		require.Eventually(t, func() bool { return stepsTaken(t, r) == 1 }, time.Minute, time.Second, "the loop goes on")
	})
}

// TestTurnsOfSeveralGoroutines has a loop take turns at the same time, and call its own actor.
func TestTurnsOfSeveralGoroutines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := make(chan int, 1)
		b := hosttest.Start(t, rovers(func(l *roverLoop) error {
			var all sync.WaitGroup
			for range 200 {
				all.Go(func() {
					if err := step(l); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			n, err := Steps.Call(l, troupe.Get[Rover](l, "a"), nil)
			seen <- n
			return err
		}))
		wakeRover(t, b, "a")
		require.Equal(t, 200, <-seen)
	})
}

// TestTurnWhileManyCallsWait has a mailbox full of calls: a loop waits for its turn behind them.
func TestTurnWhileManyCallsWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full, goOn, taken := make(chan struct{}), make(chan struct{}), make(chan error, 1)
		linger := troupe.NewAction[Rover, troupe.None, troupe.None]("linger")
		b := hosttest.Start(t, actorhost.Define(func() rover { return rover{} }, actorhost.On(Steps, stepsOf),
			actorhost.On(linger, actorhost.NoInNoOut(func(*rover, *actorhost.Context) error { <-goOn; return nil })),
		).Loop(func(l *roverLoop) error {
			<-full
			err := step(l)
			taken <- err
			return err
		}).Config(actorhost.TypeConfig{MailboxSize: 4}))
		r := wakeRover(t, b, "a")
		var calls sync.WaitGroup
		for i := range 5 {
			calls.Go(func() { require.NoError(t, call(t.Context(), linger, r, nil)) })
			if i == 0 { // which runs, and waits no more when the others come
				virtually(100 * time.Millisecond)
			}
		}
		virtually(100 * time.Millisecond)
		close(full)
		virtually(100 * time.Millisecond)
		close(goOn)
		calls.Wait()
		require.NoError(t, <-taken)
	})
}

// TestTurnsAfterTheLoopHasReturned has what a loop has left behind ask for more.
func TestTurnsAfterTheLoopHasReturned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		loops := make(chan *roverLoop, 10)
		kept := make(chan *actorhost.Context, 10)
		b := hosttest.Start(t, rovers(func(l *roverLoop) error {
			loops <- l
			if err := l.Turn(func(_ *rover, c *actorhost.Context) error { kept <- c; return nil }); err != nil {
				return err
			}
			return errLost
		}))
		wakeRover(t, b, "a")
		first := <-loops
		<-loops // it runs again
		require.ErrorIs(t, step(first), actorhost.ErrSuspended)
		require.False(t, first.Pause(0))
		require.Error(t, first.Err())
		_, err := Steps.Call(<-kept, troupe.Get[Rover](b.Client, "a"), nil)
		require.Error(t, err, "the Context is that of a turn that is over")
	})
}

// TestLoopThatIsCutOff ends a loop, or its turn, in ways that no error tells of. It is run again, less and less often.
func TestLoopThatIsCutOff(t *testing.T) {
	for name, misdeed := range map[string]func(l *roverLoop) error{
		"goexit": func(*roverLoop) error { runtime.Goexit(); return nil },
		"goexit in a turn": func(l *roverLoop) error {
			return l.Turn(func(*rover, *actorhost.Context) error { runtime.Goexit(); return nil })
		},
		"panic in a turn": func(l *roverLoop) error {
			return l.Turn(func(*rover, *actorhost.Context) error { panic("lost") })
		},
		"error that panics":     func(*roverLoop) error { return hostileError{} },
		"error that is a panic": func(*roverLoop) error { panic(hostileError{}) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var runs atomic.Int64
				b := hosttest.Start(t, rovers(func(l *roverLoop) error { runs.Add(1); return misdeed(l) }))
				r := wakeRover(t, b, "a")
				virtually(64 * time.Second)
				require.LessOrEqual(t, runs.Load(), int64(8))
				require.GreaterOrEqual(t, runs.Load(), int64(5))
				require.Zero(t, stepsTaken(t, r), "calls go on")
			})
		})
	}
}

type hostileError struct{}

func (hostileError) Error() string   { panic("no text") }
func (hostileError) Is(error) bool   { panic("no kind") }
func (hostileError) As(any) bool     { panic("no type") }
func (hostileError) Unwrap() []error { panic("no cause") }

// TestLoopThatIgnoresItsContext has a loop not end with its actor: it can do nothing more, and the next one runs.
func TestLoopThatIgnoresItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		goOn, late := make(chan struct{}), make(chan error, 1)
		var runs atomic.Int64
		b := hosttest.Start(t)
		loop := func(l *roverLoop) error {
			if runs.Add(1) == 1 {
				<-goOn
				late <- step(l)
				return nil
			}
			<-l.Done()
			return nil
		}
		first := b.Host(rovers(loop))
		r := wakeRover(t, b, "a")
		b.Host(rovers(loop))
		ended := make(chan struct{})
		go func() { b.Stop(first); close(ended) }()
		virtually(3 * time.Second)
		require.EqualValues(t, 2, runs.Load(), "the next one does not wait for longer than the grace")
		close(goOn)
		require.ErrorIs(t, <-late, actorhost.ErrSuspended)
		<-ended
		require.Zero(t, stepsTaken(t, r))
	})
}

// TestDestroyWithinATurn has a loop destroy its actor; where that fails, the loop goes on.
func TestDestroyWithinATurn(t *testing.T) {
	for name, fails := range map[string]bool{"succeeds": false, "fails": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := hosttest.Start(t)
				js, err := jetstream.New(b.Connect())
				require.NoError(t, err)
				tried := make(chan error, 10)
				var runs atomic.Int64
				host := b.Host(rovers(func(l *roverLoop) error {
					if n := runs.Add(1); n > 1 && fails {
						<-l.Done()
						return nil
					}
					err := l.Turn(func(_ *rover, c *actorhost.Context) error {
						if fails { // somebody else writes the record
							records, err := js.KeyValue(c, "troupe-actors")
							if err != nil {
								return err
							}
							found, err := records.Get(c, "rover.a")
							if err != nil {
								return err
							}
							if _, err := records.Put(c, "rover.a", found.Value()); err != nil {
								return err
							}
						}
						c.Destroy()
						return nil
					})
					tried <- err
					return errors.Join(err, step(l))
				}))
				wakeRover(t, b, "a")
				err = <-tried
				virtually(10 * time.Second)
				if fails {
					require.ErrorIs(t, err, troupe.ErrUnavailable)
					require.EqualValues(t, 2, runs.Load(), "nobody has called")
					return
				}
				require.NoError(t, err)
				require.Zero(t, host.Active())
				require.EqualValues(t, 1, runs.Load())
				_, err = Steps.Call(t.Context(), troupe.Get[Rover](b.Client, "a"), nil)
				require.ErrorIs(t, err, troupe.ErrNotFound)
			})
		})
	}
}

// TestIdleLoopsCostOneGoroutineEach counts them.
func TestIdleLoopsCostOneGoroutineEach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := hosttest.Start(t, rovers(func(l *roverLoop) error { <-l.Done(); return nil }))
		wakeRover(t, b, "first")
		virtually(time.Second)
		before := runtime.NumGoroutine()
		for i := range 300 {
			wakeRover(t, b, fmt.Sprint(i))
		}
		virtually(time.Second)
		require.Less(t, runtime.NumGoroutine()-before, 400)
	})
}
