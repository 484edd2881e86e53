package actorhost_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/internal/wire"
)

// TestReadBesideTurnsMayNotSeeWhatIsNotStored also where it would run between turns.
func TestReadBesideTurnsMayNotSeeWhatIsNotStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := scholarsOf(t, hosttest.Start(t, studies()))
		k.send(studyWrite, studying{}).require(t, 11)
		for _, writes := range []bool{false, true} {
			if writes {
				k.send(studyWrite, studying{For: 10 * time.Second})
			}
			for how, what := range map[string]string{"a Map": "a Map", "a Map's keys": "a Map", "its schedules": "its schedules"} {
				r := k.send(studyRead, studying{How: how})
				require.ErrorIs(t, r.failed(), troupe.ErrInternal)
				require.ErrorContains(t, r.failed(), "study/a.read may run beside turns: it may not read "+what)
			}
		}
		after(11 * time.Second)
	})
}

func TestReadBesideTurnsThatChangesItsCopyIsFound(t *testing.T) {
	for _, tested := range []bool{true, false} {
		for how, place := range map[string]string{"change": "Value: 11 comes back as 111", "change deeply": `Deep["a"][0]: 1 comes back as 2`} {
			t.Run(fmt.Sprint(how, tested), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var found lostStates
					b := hosttest.Start(t)
					b.SkipStateCheck = true
					config := actorhost.Config{}
					if tested {
						config.CheckState = found.add
					}
					b.HostWith(config, studies())
					k := scholarsOf(t, b)
					k.send(studyWrite, studying{}).require(t, 11)
					write := k.send(studyWrite, studying{For: 10 * time.Second})
					var failed []int
					for i := range 130 {
						if r := k.send(studyRead, studying{How: how}); r.failed() != nil {
							require.ErrorContains(t, r.failed(), "study/a.read is read-only, and has changed the state: "+place)
							failed = append(failed, i)
							k.send(studyBack, studying{}).require(t, 11)
						}
						if tested && i == 2 {
							break
						}
					}
					if tested {
						require.Equal(t, []int{0, 1, 2}, failed)
						require.Contains(t, found.list()[0], "read is read-only")
					} else {
						require.Equal(t, []int{0, 64, 128}, failed, "one of 64, and then others read another copy")
					}
					after(11 * time.Second)
					write.require(t, 12)
					k.send(studyLook, studying{}).require(t, 12)
				})
			})
		}
	}
}

func TestReadsBesideTurnsThatFailLeaveTheOthers(t *testing.T) {
	for _, how := range []string{"panic", "Goexit"} {
		t.Run(how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := scholarsOf(t, hosttest.Start(t, studies()))
				write := k.send(studyWrite, studying{For: 2 * time.Second})
				stays := k.send(studyRead, studying{For: 3 * time.Second})
				for range 40 { // more than there are goroutines that wait for work
					fails := k.send(studyRead, studying{How: how})
					require.ErrorIs(t, fails.failed(), troupe.ErrInternal)
				}
				k.send(studyRead, studying{}).require(t, 10)
				after(2 * time.Second)
				write.require(t, 11)
				k.send(studyWrite, studying{}).require(t, 12)
				after(2 * time.Second)
				stays.require(t, 10)
			})
		})
	}
}

func TestReadsBesideTurnsEndInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := hosttest.Start(t)
		host, nc := b.Host(studies().Config(actorhost.TypeConfig{ActionTimeout: 5 * time.Second, CancelWithCaller: true})), b.Connect()
		k := scholarsOf(t, b)
		write := k.send(studyWrite, studying{For: 4 * time.Second})
		long := k.send(studyRead, studying{For: time.Hour})
		ctx, cancel := context.WithCancel(t.Context())
		gone := &scholars{ctx: ctx, study: k.study}
		left := gone.send(studyRead, studying{For: time.Hour})
		cancel()
		gone.all.Wait()
		require.Error(t, left.failed())
		after(4500 * time.Millisecond)
		write.require(t, 11)
		require.Zero(t, askHost[wire.ActorInfo](t, nc, host, "info.study.a", nil).Beside, "the one whose caller is gone has ended")
		after(time.Second)
		require.ErrorIs(t, long.failed(), troupe.ErrDeadlineExceeded)
	})
}

// TestWhatEndsAnActorWaitsForReadsBesideItsTurns has three of them go on after the turn.
func TestWhatEndsAnActorWaitsForReadsBesideItsTurns(t *testing.T) {
	for name, end := range map[string]func(ctx context.Context, b *hosttest.Bus, h *actorhost.Host) error{
		"stop": func(_ context.Context, b *hosttest.Bus, h *actorhost.Host) error { b.Stop(h); return nil },
		"destroy": func(ctx context.Context, b *hosttest.Bus, _ *actorhost.Host) error {
			return b.Client.Actor("study", "a").Call(ctx, troupe.DestroyAction, nil, nil)
		},
		"sleep": func(ctx context.Context, b *hosttest.Bus, _ *actorhost.Host) error {
			return b.Client.Actor("study", "a").Call(ctx, troupe.SleepAction, nil, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := hosttest.Start(t)
				host := b.Host(studies())
				k := scholarsOf(t, b)
				write := k.send(studyWrite, studying{For: time.Second})
				var reads []*gotten
				for i := range 3 {
					reads = append(reads, k.send(studyRead, studying{For: time.Duration(i+2) * time.Second}))
				}
				began := time.Now()
				require.NoError(t, end(t.Context(), b, host))
				require.GreaterOrEqual(t, time.Since(began), 3500*time.Millisecond)
				synctest.Wait()
				write.require(t, 11)
				for _, r := range reads {
					r.require(t, 10)
				}
			})
		})
	}
}

func TestActorDoesNotSleepWhileItIsReadBesideTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var lines []string
		note := func(line string) { mu.Lock(); defer mu.Unlock(); lines = append(lines, line) }
		b := hosttest.Start(t, studies().Config(actorhost.TypeConfig{SleepAfter: 100 * time.Millisecond}).
			OnSleep(func(*studyState, *actorhost.Context) error { note("sleeps"); return nil }))
		k := scholarsOf(t, b)
		write := k.send(studyWrite, studying{For: time.Second})
		read := k.send(studyRead, studying{For: 10 * time.Second})
		after(9 * time.Second)
		write.require(t, 11)
		note("reads")
		after(3 * time.Second)
		read.require(t, 10)
		require.Equal(t, []string{"reads", "sleeps"}, lines)
	})
}

// TestReadBesideTurnsNeedsTheLease: another host may own the actor when it ends.
func TestReadBesideTurnsNeedsTheLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const lease = 3 * time.Second
		b := hosttest.Start(t)
		b.HostWith(actorhost.Config{Lease: lease}, studies())
		k := scholarsOf(t, b)
		k.send(studyWrite, studying{}).require(t, 11)
		k.send(studyWrite, studying{For: 20 * time.Second})
		grant := refuseLeases(t, b)
		ctx, cancel := context.WithTimeout(t.Context(), 2*lease+time.Second)
		defer cancel()
		_, err := studyRead.Call(ctx, k.study, studying{For: 2 * lease})
		require.Error(t, err)
		grant()
		after(2 * lease)
		k.send(studyRead, studying{}).require(t, 11)
	})
}

// TestReadsBesideTurnsAreShown in what runs of an actor, the oldest first, and in its figures.
func TestReadsBesideTurnsAreShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := hosttest.Start(t)
		host, nc := b.Host(studies()), b.Connect()
		k := scholarsOf(t, b)
		k.send(studyWrite, studying{}).require(t, 11)
		write := k.send(studyWrite, studying{For: 2 * time.Second})
		after(time.Second)
		k.send(studyRead, studying{For: 3 * time.Second})
		k.send(studyBack, studying{For: 4 * time.Second})
		info := func() wire.ActorInfo { return askHost[wire.ActorInfo](t, nc, host, "info.study.a", nil) }
		require.Equal(t, "write", info().Running.Name)
		require.Equal(t, 2, info().Beside)
		running := func() int { return len(askHost[wire.ActorStack](t, nc, host, "stack.study.a", nil).Running) }
		require.Equal(t, 3, running())
		after(1500 * time.Millisecond)
		write.require(t, 12)
		require.Equal(t, "read", info().Running.Name)
		require.Equal(t, 1, info().Beside)
		require.Equal(t, 2, running())
		after(3 * time.Second)
		require.Nil(t, info().Running)
		figures := turnFigures(t, askHost[wire.HostFigures](t, nc, host, "figures", nil), wire.TurnAction, "read")
		require.EqualValues(t, 1, figures.Calls)
		require.EqualValues(t, 1, figures.Run.Count)
	})
}
