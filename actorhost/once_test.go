package actorhost_test

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/wire"
)

// TestManyCallsWithIDs makes more of them at a time than an actor's record can remember. Each runs, and once, also by a
// host that takes over.
func TestManyCallsWithIDs(t *testing.T) {
	t.Parallel()
	takesLong(t)
	const callers, each = 1000, 10
	b := hosttest.Start(t)
	host := b.Host(counters())
	a := troupe.GetOrCreate[counter](b.Client, "a")
	var first [callers * each]atomic.Int64
	callAll := func(every int) {
		var all errgroup.Group
		for caller := range callers {
			all.Go(func() error {
				for n := caller * each; n < (caller+1)*each; n += every {
					got, err := add.Call(troupe.WithRequestID(t.Context(), fmt.Sprint("call-", n)), a, 1)
					if err != nil {
						return err
					}
					if was := first[n].Swap(int64(got)); was != 0 && was != int64(got) {
						return fmt.Errorf("call %d: %d, and before %d", n, got, was)
					}
				}
				return nil
			})
		}
		require.NoError(t, all.Wait())
		got, err := get.Call(t.Context(), a, nil)
		require.NoError(t, err)
		require.Equal(t, callers*each, got)
	}
	callAll(1)
	callAll(5)
	b.Kill(host)
	b.Host(counters())
	callAll(3)
}

// TestOneIDInTwoEncodings is one call, and one of another input another.
func TestOneIDInTwoEncodings(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, counters())
	inJSON := b.NewClient(client.Config{Codec: codec.JSON})
	for _, cl := range []*client.Client{b.Client, inJSON, b.Client} {
		got, err := add.Call(troupe.WithRequestID(t.Context(), "order"), troupe.GetOrCreate[counter](cl, "a"), 5)
		require.NoError(t, err)
		require.Equal(t, 5, got)
	}
	for _, cl := range []*client.Client{b.Client, inJSON} {
		require.ErrorIs(t, call(troupe.WithRequestID(t.Context(), "order"), add, troupe.GetOrCreate[counter](cl, "a"), 6), troupe.ErrRequestReused)
	}
}

// TestOneIDOfASchedule in two encodings is one schedule, and the answers are in those of their callers.
func TestOneIDOfASchedule(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, counters())
	at := time.Now().Add(time.Hour)
	clients := []*client.Client{b.Client, b.NewClient(client.Config{Codec: codec.JSON}), b.Client}
	of := func(cl *client.Client, id string) troupe.Scheduler {
		return troupe.SchedulerOf(troupe.WithRequestID(t.Context(), id), troupe.GetOrCreate[counter](cl, "a"))
	}
	var name string
	for i, cl := range clients {
		got, err := add.At(of(cl, "order"), at, 5)
		require.NoError(t, err)
		require.Equal(t, cmp.Or(name, got), got)
		name = got
		_, err = add.At(of(cl, "order"), at, 6)
		require.ErrorIs(t, err, troupe.ErrRequestReused, "%d", i)
	}
	for _, cl := range clients {
		found, err := of(cl, "cancel").Unschedule(name)
		require.NoError(t, err)
		require.True(t, found)
	}
}

// TestIDsThatHeadersWouldChange are refused, wherever they come from: two of them would be one call.
func TestIDsThatHeadersWouldChange(t *testing.T) {
	t.Parallel()
	by := troupe.NewAction[proxy, int, int]("by")
	ids := []string{"x ", " x", "x\t", "a\nb", "a\rb", " ", "\n", "\u00a0x", "\x00", "\xff", strings.Repeat("x", 257)}
	b := hosttest.Start(t, counters(), actorhost.Define(func() struct{} { return struct{}{} },
		actorhost.On(by, func(_ *struct{}, c *actorhost.Context, n int) (int, error) {
			return add.Call(troupe.WithRequestID(c, ids[n]), troupe.GetOrCreate[counter](c, "a"), 1)
		})))
	a := troupe.GetOrCreate[counter](b.Client, "a")
	for n, id := range ids {
		ctx := troupe.WithRequestID(t.Context(), id)
		require.ErrorIs(t, call(ctx, add, a, 1), troupe.ErrBadInput, "%q", id)
		require.ErrorIs(t, add.Tell(ctx, a, 1), troupe.ErrBadInput, "%q", id)
		require.ErrorIs(t, call(t.Context(), by, troupe.GetOrCreate[proxy](b.Client, "a"), n), troupe.ErrBadInput, "%q", id)
	}
	for _, id := range []string{"x", "X", "a b", "é", "e\u0301", "a.b", "*", ">", "x: y", strings.Repeat("x", 256)} {
		require.NoError(t, call(troupe.WithRequestID(t.Context(), id), add, a, 1), "%q", id)
		require.NoError(t, call(troupe.WithRequestID(t.Context(), id), add, a, 1), "%q", id)
	}
	got, err := get.Call(t.Context(), a, nil)
	require.NoError(t, err)
	require.Equal(t, 10, got)
}

// A proxy calls what it is told.
type proxy struct{ troupe.Ref }

func (proxy) ActorType() string { return "proxy" }

// TestConnectingIsNoCall: what is connected, and ended, with a context that has an id does not take the id from a call.
func TestConnectingIsNoCall(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, lounges)
	room, ctx := troupe.GetOrCreate[lounge](b.Client, "a"), troupe.WithRequestID(t.Context(), "order")
	ann, err := enter.Connect(ctx, room, "ann")
	require.NoError(t, err)
	bob, err := enter.Connect(ctx, room, "bob")
	require.NoError(t, err)
	names, err := present.Call(t.Context(), room, nil)
	require.NoError(t, err)
	require.Equal(t, []string{"ann", "bob"}, names)
	require.NoError(t, bob.Close(ctx))
	require.NoError(t, call(ctx, kick, room, "ann"))
	<-ann.Done()
	require.ErrorContains(t, ann.Err(), "out with ann")
	require.NoError(t, call(ctx, kick, room, "ann"))
}

// answersOf is the stream with the answers that records have no room for.
func answersOf(t *testing.T, b *hosttest.Bus) jetstream.Stream {
	t.Helper()
	js, err := jetstream.New(b.Connect())
	require.NoError(t, err)
	answers, err := js.Stream(t.Context(), "troupe-answers")
	require.NoError(t, err)
	return answers
}

// TestArchiveThatIsFull: calls that would have to be remembered are refused before they start, and nobody else is harmed.
func TestArchiveThatIsFull(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	b.HostWith(actorhost.Config{MaxBytes: actorhost.MaxBytes{Answers: 32 << 10}}, counters())
	a, nc := troupe.GetOrCreate[counter](b.Client, "a"), b.Connect()
	done := 0
	var refused error
	for ; refused == nil && done < 20_000; done++ {
		_, refused = add.Call(troupe.WithRequestID(t.Context(), fmt.Sprint(done)), a, 1)
	}
	done--
	require.ErrorIs(t, refused, troupe.ErrOverloaded)
	require.Greater(t, done, 100)

	reply, err := nc.Request("troupe.route.counter.a.add", []byte{1}, 10*time.Second) // which nobody can send again
	require.NoError(t, err)
	require.Nil(t, wire.DecodeError(reply))
	require.NoError(t, call(t.Context(), add, troupe.GetOrCreate[counter](b.Client, "b"), 1))
	got, err := get.Call(t.Context(), a, nil)
	require.NoError(t, err)
	require.Equal(t, done+1, got, "what was refused has not run")

	require.NoError(t, answersOf(t, b).Purge(t.Context())) // there is room again
	require.Eventually(t, func() bool {
		return call(troupe.WithRequestID(t.Context(), "later"), add, a, 1) == nil
	}, 30*time.Second, 50*time.Millisecond)
	got, err = get.Call(t.Context(), a, nil)
	require.NoError(t, err)
	require.Equal(t, done+2, got)
}

// TestMemoryForIDsIsBounded: an actor that rests, or falls asleep, gives its own back.
func TestMemoryForIDsIsBounded(t *testing.T) {
	t.Parallel()
	for name, asleep := range map[string]bool{"at rest": false, "asleep": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := hosttest.Start(t)
			host := b.HostWith(actorhost.Config{RequestIDMemory: 16 << 10}, counters())
			a, other := troupe.GetOrCreate[counter](b.Client, "a"), troupe.GetOrCreate[counter](b.Client, "b")
			var refused error
			done := 0
			for ; refused == nil && done < 20_000; done++ {
				_, refused = add.Call(troupe.WithRequestID(t.Context(), fmt.Sprint(done)), a, 1)
			}
			require.ErrorIs(t, refused, troupe.ErrOverloaded)
			require.Greater(t, done, 500)
			again := func() error { return call(troupe.WithRequestID(t.Context(), "x"), add, other, 1) }
			require.ErrorIs(t, again(), troupe.ErrOverloaded)
			require.NoError(t, call(t.Context(), add, other, 1), "without an id")
			got, err := add.Call(troupe.WithRequestID(t.Context(), "7"), a, 1)
			require.NoError(t, err, "it has run")
			require.Equal(t, 8, got)

			if asleep {
				require.NoError(t, b.Client.Actor("counter", "a").Call(t.Context(), troupe.SleepAction, nil, nil))
				require.NoError(t, again())
				return
			}
			require.Eventually(t, func() bool { return again() == nil }, time.Minute, 50*time.Millisecond)
			require.Equal(t, 2, host.Active())
			got, err = add.Call(troupe.WithRequestID(t.Context(), "7"), a, 1)
			require.NoError(t, err, "it is read again")
			require.Equal(t, 8, got)
		})
	}
}

// TestArchiveThatIsGone: nobody knows which calls have run, and says so, where it matters.
func TestArchiveThatIsGone(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	host := b.Host(counters())
	a := troupe.GetOrCreate[counter](b.Client, "a")
	const calls = 200
	for n := range calls {
		require.NoError(t, call(troupe.WithRequestID(t.Context(), fmt.Sprint(n)), add, a, 1))
	}
	b.Kill(host)
	js, err := jetstream.New(b.Connect())
	require.NoError(t, err)
	require.NoError(t, js.DeleteStream(t.Context(), "troupe-answers"))
	b.Host(counters())
	require.ErrorIs(t, call(troupe.WithRequestID(t.Context(), "7"), add, a, 1), troupe.ErrOutcomeUnknown)
	require.NoError(t, call(t.Context(), add, a, 1), "a new call")
	require.NoError(t, call(troupe.WithRequestID(t.Context(), "7"), add, troupe.GetOrCreate[counter](b.Client, "b"), 1), "another actor")
	require.NoError(t, b.Client.Actor("counter", "a").Call(t.Context(), troupe.SleepAction, nil, nil))
	require.ErrorIs(t, call(troupe.WithRequestID(t.Context(), "8"), add, a, 1), troupe.ErrOutcomeUnknown, "the record says so too")
	got, err := get.Call(t.Context(), a, nil)
	require.NoError(t, err)
	require.Equal(t, calls+1, got)
}

// TestArchiveThatIsPurged: what is not there may have run, and does not run again, whoever has the actor by then.
func TestArchiveThatIsPurged(t *testing.T) {
	t.Parallel()
	for name, then := range map[string]func(b *hosttest.Bus, host *actorhost.Host) error{
		"awake": func(*hosttest.Bus, *actorhost.Host) error { return nil },
		"asleep": func(b *hosttest.Bus, _ *actorhost.Host) error {
			return b.Client.Actor("counter", "a").Call(context.Background(), troupe.SleepAction, nil, nil)
		},
		"on another host": func(b *hosttest.Bus, host *actorhost.Host) error {
			b.Kill(host)
			b.Host(counters())
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := hosttest.Start(t)
			host := b.Host(counters())
			a, other := troupe.GetOrCreate[counter](b.Client, "a"), troupe.GetOrCreate[counter](b.Client, "b")
			const calls = 200
			for n := range calls {
				require.NoError(t, call(troupe.WithRequestID(t.Context(), fmt.Sprint(n)), add, a, 1))
			}
			require.NoError(t, answersOf(t, b).Purge(t.Context()))
			require.NoError(t, then(b, host))
			require.ErrorIs(t, call(troupe.WithRequestID(t.Context(), "7"), add, a, 1), troupe.ErrOutcomeUnknown)
			require.NoError(t, call(t.Context(), add, a, 1), "a new call")
			for n := range calls { // of an actor that has lost nothing: they are archived, too
				require.NoError(t, call(troupe.WithRequestID(t.Context(), fmt.Sprint(n)), add, other, 1))
			}
			got, err := add.Call(troupe.WithRequestID(t.Context(), "7"), other, 1)
			require.NoError(t, err)
			require.Equal(t, 8, got)
			got, err = get.Call(t.Context(), a, nil)
			require.NoError(t, err)
			require.Equal(t, calls+1, got)
		})
	}
}

// TestWhoUsesNoIDsHasNoArchive, however many calls there are at a time.
func TestWhoUsesNoIDsHasNoArchive(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, counters())
	var all errgroup.Group
	for range 256 {
		all.Go(func() error {
			for range 20 {
				if err := call(t.Context(), add, troupe.GetOrCreate[counter](b.Client, "a"), 1); err != nil {
					return err
				}
			}
			return nil
		})
	}
	require.NoError(t, all.Wait())
	js, err := jetstream.New(b.Connect())
	require.NoError(t, err)
	_, err = js.Stream(t.Context(), "troupe-answers")
	require.ErrorIs(t, err, jetstream.ErrStreamNotFound)
}
