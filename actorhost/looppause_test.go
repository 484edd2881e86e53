package actorhost_test

import (
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

// TestPausesThatAreShort are over at once.
func TestPausesThatAreShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		took := make(chan time.Duration, 2)
		b := hosttest.Start(t, rovers(func(l *roverLoop) error {
			for _, d := range []time.Duration{0, -time.Hour} {
				began := time.Now()
				if !l.Pause(d) {
					return errLost
				}
				took <- time.Since(began)
			}
			return nil
		}))
		wakeRover(t, b, "a")
		require.Zero(t, <-took)
		require.Zero(t, <-took)
	})
}

// TestWhatALongPauseIsFor has a loop fail, or its host die, after a long pause and before it has done what it has waited for.
func TestWhatALongPauseIsFor(t *testing.T) {
	takesLong(t)
	const pause = 10 * time.Minute
	for name, dies := range map[string]bool{"fails": false, "dies": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := hosttest.Start(t)
				var tries atomic.Int64
				paused, took := make(chan struct{}, 1), make(chan time.Time, 10)
				kind := rovers(func(l *roverLoop) error {
					for l.Pause(pause) {
						switch {
						case tries.Add(1) > 1:
						case dies:
							paused <- struct{}{}
							<-l.Done()
							return nil
						default:
							return errLost
						}
						if err := step(l); err != nil {
							return err
						}
						took <- time.Now()
					}
					return nil
				})
				first := b.Host(kind)
				wakeRover(t, b, "a")
				began := time.Now()
				if dies {
					<-paused
					b.Kill(first)
					b.Host(kind)
				}
				require.WithinDuration(t, began.Add(pause), <-took, 10*time.Second, "it is not lost")
				require.WithinDuration(t, began.Add(2*pause), <-took, 20*time.Second)
				require.WithinDuration(t, began.Add(3*pause), <-took, 20*time.Second)
			})
		})
	}
}

// TestWorkThatTakesLongAfterALongPause does not write again and again.
func TestWorkThatTakesLongAfterALongPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := hosttest.Start(t, rovers(func(l *roverLoop) error {
			for l.Pause(10 * time.Minute) {
				select {
				case <-time.After(2 * time.Hour):
				case <-l.Done():
				}
			}
			return nil
		}))
		wakeRover(t, b, "a")
		virtually(11 * time.Minute)
		js, err := jetstream.New(b.Connect())
		require.NoError(t, err)
		records, err := js.KeyValue(t.Context(), "troupe-actors")
		require.NoError(t, err)
		before, err := records.Get(t.Context(), "rover.a")
		require.NoError(t, err)
		virtually(20 * time.Minute)
		after, err := records.Get(t.Context(), "rover.a")
		require.NoError(t, err)
		require.LessOrEqual(t, after.Revision()-before.Revision(), uint64(10))
	})
}

// TestPauseOfALoopThatIsOver leaves no alarm behind: neither when the loop returns, nor when the program has none any more.
func TestPauseOfALoopThatIsOver(t *testing.T) {
	takesLong(t)
	for name, gone := range map[string]bool{"returns": false, "is gone": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := hosttest.Start(t)
				var runs atomic.Int64
				host := b.Host(rovers(func(l *roverLoop) error {
					runs.Add(1)
					l.Pause(10 * time.Minute)
					return nil
				}))
				wakeRover(t, b, "a")
				virtually(time.Minute)
				require.Zero(t, host.Active())
				var wakes atomic.Int64
				if gone {
					b.Stop(host)
					host = b.Host(actorhost.Define(func() rover { return rover{} }, actorhost.On(Steps, stepsOf)).
						OnWake(func(*rover, *actorhost.Context) error { wakes.Add(1); return nil }))
				}
				virtually(30 * time.Minute)
				require.Zero(t, host.Active())
				require.LessOrEqual(t, runs.Load(), int64(2))
				require.LessOrEqual(t, wakes.Load(), int64(1))
				require.Zero(t, b.NextDue())
			})
		})
	}
}

// TestPauseThatCannotBeStored is one in memory.
func TestPauseThatCannotBeStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		large := troupe.NewAction[Rover, string, troupe.None]("large")
		took := make(chan time.Duration, 1)
		start := make(chan struct{})
		b := hosttest.Start(t, actorhost.Define(func() string { return "" }, actorhost.On(large,
			actorhost.NoOut(func(s *string, _ *actorhost.Context, text string) error { *s += text; return nil })),
		).Loop(func(l *actorhost.Loop[string]) error {
			<-start
			began := time.Now()
			l.Pause(5 * time.Minute)
			took <- time.Since(began)
			return nil
		}))
		r := troupe.GetOrCreate[Rover](b.Client, "a")
		for size := 512 << 10; size > 0; { // up to the last byte
			if call(t.Context(), large, r, string(make([]byte, size))) != nil {
				size /= 2
			}
		}
		close(start)
		require.InDelta(t, 5*time.Minute, <-took, float64(time.Second))
	})
}

// TestPauseOfAnActorAtRest ends just before the actor would fall asleep, when it has dropped the encoding of its state.
func TestPauseOfAnActorAtRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var wakes, rounds atomic.Int64
		const pause = 10 * time.Second
		b := hosttest.Start(t, rovers(func(l *roverLoop) error {
			for l.Pause(pause) {
				rounds.Add(1)
			}
			return nil
		}).OnWake(func(*rover, *actorhost.Context) error { wakes.Add(1); return nil }).Config(actorhost.TypeConfig{SleepAfter: pause}))
		virtually(100 * time.Millisecond) // between two of the times at which the host looks who has been idle for long
		wakeRover(t, b, "a")
		virtually(3*pause + pause/2)
		require.EqualValues(t, 3, rounds.Load())
		require.EqualValues(t, 1, wakes.Load())
	})
}

// TestAShorterPauseIsNotHeldUp has a loop pause for less than the pause that is stored.
func TestAShorterPauseIsNotHeldUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := hosttest.Start(t)
		var every atomic.Int64
		rounds := make(chan time.Time, 100)
		kind := rovers(func(l *roverLoop) error {
			for l.Pause(time.Duration(every.Load())) {
				rounds <- time.Now()
			}
			return nil
		})
		every.Store(int64(24 * time.Hour))
		host := b.Host(kind)
		wakeRover(t, b, "a")
		virtually(time.Minute)
		b.Stop(host)
		every.Store(int64(2 * time.Minute))
		began := time.Now()
		b.Host(kind)
		wakeRover(t, b, "a")
		require.WithinDuration(t, began.Add(2*time.Minute), <-rounds, time.Second)
		require.WithinDuration(t, began.Add(4*time.Minute), <-rounds, time.Second)
	})
}
