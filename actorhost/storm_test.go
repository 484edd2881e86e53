package actorhost_test

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/internal/pause"
)

// The tests of this file run in virtual time, in which only pauses take any: none is parallel.

// twoOfEach starts two hosts of each program, which count how often a wrap wakes.
func twoOfEach(tb testing.TB) (b *hosttest.Bus, woken *atomic.Int64) {
	tb.Helper()
	woken = new(atomic.Int64)
	counted := func(of actorhost.Definition) actorhost.Definition {
		return of.(actorhost.ActorType[wrap, wrapState]).OnWake(func(*wrapState, *actorhost.Context) error { woken.Add(1); return nil })
	}
	b = hosttest.Start(tb)
	for range 2 {
		b.Host(counted(oldWraps()))
		b.Host(append(pressAndReader[:1:1], counted(newWraps()))...)
	}
	return b, woken
}

// TestConflictingCalls come without an end, each for one program alone. Each waits its turn, and the actor moves no more often
// than it must.
func TestConflictingCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, woken := twoOfEach(t)
		p := troupe.GetOrCreate[wrap](b.Client, "p")
		const callers, each, stay = 16, 50, 50 * time.Millisecond
		began := time.Now()
		var all errgroup.Group
		var longest [callers]time.Duration
		for n := range callers {
			all.Go(func() error {
				for i := range each {
					called := time.Now()
					one := seal
					if (n+i)%2 == 0 {
						one = frank
					}
					if err := call(t.Context(), one, p, 1); err != nil {
						return err
					}
					longest[n] = max(longest[n], time.Since(called))
				}
				return nil
			})
		}
		require.NoError(t, all.Wait())
		got, err := weight.Call(t.Context(), p, nil)
		require.NoError(t, err)
		require.Equal(t, callers*each, got)
		require.LessOrEqual(t, slices.Max(longest[:]), stay)
		require.LessOrEqual(t, woken.Load(), int64(time.Since(began)/stay)+2)
		require.Zero(t, b.Client.Resent())
		t.Logf("%d calls in %v, at most %v each; woken %d times", callers*each, time.Since(began), slices.Max(longest[:]), woken.Load())
	})
}

// TestGarbageMovesNothing has callers send inputs that neither program can take, to actions that one or both have.
func TestGarbageMovesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, woken := twoOfEach(t)
		p := troupe.GetOrCreate[wrap](b.Client, "p")
		require.NoError(t, call(t.Context(), weight, p, nil))
		for range 5 {
			for _, action := range []string{"weigh", "seal", "frank"} {
				err := b.Client.Invoke(t.Context(), troupe.Invocation{ID: p.ID(), Action: action, In: "much"})
				require.ErrorIs(t, err, troupe.ErrBadInput, action)
			}
			_, err := troupe.NewConnector[wrap, string]().Connect(t.Context(), p, "much")
			require.ErrorIs(t, err, troupe.ErrBadInput)
			time.Sleep(time.Second) //nolint:forbidigo // virtual time
		}
		require.Equal(t, int64(1), woken.Load())
	})
}

// TestProgramThatWasThereUntilNow had what a call needs: its hosts may come back.
func TestProgramThatWasThereUntilNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := hosttest.Start(t, oldWraps())
		p := troupe.GetOrCreate[wrap](b.Client, "p")
		host := b.Host(append(pressAndReader[:1:1], newWraps())...)
		require.NoError(t, call(t.Context(), seal, p, 1))
		require.NoError(t, call(t.Context(), frank, p, 1))
		b.Stop(host)
		stopped := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 9*time.Second)
		defer cancel()
		require.ErrorIs(t, call(ctx, frank, p, 1), troupe.ErrUnavailable, "for now")
		require.ErrorIs(t, call(t.Context(), frank, p, 1), troupe.ErrUnknownAction)
		require.InDelta(t, 10, time.Since(stopped).Seconds(), 0.2)
		b.Host(append(pressAndReader[:1:1], newWraps())...)
		require.NoError(t, call(t.Context(), frank, p, 1))
	})
}

// TestProgramThatHasJustCome is found by calls that come as its host says that it takes them, to actors that are awake.
func TestProgramThatHasJustCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := hosttest.Start(t, oldWraps())
		for i := range 5 {
			p := troupe.GetOrCreate[wrap](b.Client, fmt.Sprint(i))
			require.NoError(t, call(t.Context(), seal, p, 1))
			ctx, cancel := context.WithCancel(t.Context())
			go func() { // so that the old host has always just looked for others
				for ctx.Err() == nil {
					_ = call(ctx, frank, troupe.GetOrCreate[wrap](b.Client, "other"), 1)
					pause.For(ctx, time.Millisecond)
				}
			}()
			pause.For(ctx, time.Second+time.Duration(i)*7*time.Millisecond)
			host := b.Host(append(pressAndReader[:1:1], newWraps())...)
			require.NoError(t, call(t.Context(), frank, p, 1))
			cancel()
			b.Stop(host)
			time.Sleep(time.Minute) //nolint:forbidigo // virtual time
		}
	})
}
