package actorhost_test

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/internal/wire"
)

// A wrap, around a parcel, is what two programs have different ideas of.
type wrap struct{ troupe.Ref }

func (wrap) ActorType() string { return "wrap" }

type weighed struct{ Grams int }

var (
	weight    = troupe.NewAction[wrap, troupe.None, int]("weight") // both programs have it
	weighOld  = troupe.NewAction[wrap, int, troupe.None]("weigh")
	weighNew  = troupe.NewAction[wrap, weighed, troupe.None]("weigh") // takes another input
	seal      = troupe.NewAction[wrap, int, troupe.None]("seal")      // the old program's alone
	frank     = troupe.NewAction[wrap, int, troupe.None]("frank")     // the new one's
	packNew   = troupe.NewConstructor[wrap, weighed]()
	claimNew  = troupe.NewConnector[wrap, weighed]()
	followNew = troupe.NewAction[wrap, string, troupe.None]("follow")
)

type wrapState struct{ Grams, Seals, Pages int }

func addTo(n func(*wrapState) *int) func(*wrapState, *actorhost.Context, int) error {
	return func(s *wrapState, _ *actorhost.Context, more int) error { *n(s) += more; return nil }
}

var (
	gramsOf = func(s *wrapState) *int { return &s.Grams }
	seals   = func(s *wrapState) *int { return &s.Seals }
)

func wraps(handlers ...actorhost.Handler[wrap, wrapState]) actorhost.ActorType[wrap, wrapState] {
	return actorhost.Define(func() wrapState { return wrapState{} }, append(handlers,
		actorhost.On(weight, actorhost.NoIn(func(s *wrapState, _ *actorhost.Context) (int, error) { return s.Grams + s.Seals, nil })))...)
}

func oldWraps() actorhost.Definition {
	return wraps(
		actorhost.On(weighOld, actorhost.NoOut(addTo(gramsOf))),
		actorhost.On(seal, actorhost.NoOut(addTo(seals))),
	)
}

func newWraps() actorhost.Definition {
	return wraps(
		actorhost.On(weighNew, actorhost.NoOut(func(s *wrapState, _ *actorhost.Context, in weighed) error { s.Grams += in.Grams; return nil })),
		actorhost.On(frank, actorhost.NoOut(addTo(seals))),
		actorhost.On(followNew, actorhost.NoOut(func(_ *wrapState, c *actorhost.Context, press_ string) error {
			return published.SubscribeDurable(c, troupe.GetOrCreate[press](c, press_))
		})),
		actorhost.OnCreate(packNew, func(s *wrapState, _ *actorhost.Context, in weighed) error { s.Grams += in.Grams; return nil }),
		actorhost.OnConnect(claimNew, func(s *wrapState, _ *actorhost.Context, _ *actorhost.Connection, in weighed) error {
			s.Grams += in.Grams
			return nil
		}),
	).OnEvents(actorhost.OnEvent(published, func(s *wrapState, _ *actorhost.Context, _ int) error {
		s.Grams += 5
		return nil
	}))
}

// twoPrograms starts a bus on which one host of the new program is among three of the old one, which have woken a wrap.
func twoPrograms(t *testing.T) (b *hosttest.Bus, old []*actorhost.Host, p wrap) {
	t.Helper()
	b = hosttest.Start(t)
	for range 3 {
		old = append(old, b.Host(oldWraps()))
	}
	p = troupe.GetOrCreate[wrap](b.Client, "p")
	require.NoError(t, call(t.Context(), seal, p, 1))
	b.Host(append(pressAndReader[:1:1], newWraps())...)
	return b, old, p
}

// TestWhatOneProgramLacksAnotherDoes has each call reach the host that can take it, though the actor is awake elsewhere.
func TestWhatOneProgramLacksAnotherDoes(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]func(b *hosttest.Bus, p wrap) error{
		"an action":       func(_ *hosttest.Bus, p wrap) error { return call(t.Context(), frank, p, 5) },
		"what it is told": func(_ *hosttest.Bus, p wrap) error { return frank.Tell(t.Context(), p, 5) },
		"another input":   func(_ *hosttest.Bus, p wrap) error { return call(t.Context(), weighNew, p, weighed{5}) },
		"a moved actor": func(_ *hosttest.Bus, p wrap) error {
			return errors.Join(call(t.Context(), frank, p, 2), call(t.Context(), seal, p, 2), call(t.Context(), weighNew, p, weighed{1}))
		},
		"one that sleeps": func(b *hosttest.Bus, p wrap) error {
			return errors.Join(b.Client.Invoke(t.Context(), troupe.Invocation{ID: p.ID(), Action: troupe.SleepAction}), call(t.Context(), frank, p, 5))
		},
		"a schedule": func(_ *hosttest.Bus, p wrap) error {
			_, err := frank.After(troupe.SchedulerOf(t.Context(), p), 0, 5)
			return err
		},
		"a schedule with another input": func(_ *hosttest.Bus, p wrap) error {
			_, err := weighNew.After(troupe.SchedulerOf(t.Context(), p), 0, weighed{5})
			return err
		},
		"what is due with another input": func(_ *hosttest.Bus, p wrap) error {
			_, err := weighNew.After(troupe.SchedulerOf(t.Context(), p), time.Second, weighed{5})
			return errors.Join(err, call(t.Context(), seal, p, 0)) // by which it is on an old host again
		},
		"a connection": func(b *hosttest.Bus, p wrap) error {
			conn, err := claimNew.Connect(t.Context(), p, weighed{5})
			if err != nil {
				return err
			}
			return conn.Close(t.Context())
		},
		"an event": func(b *hosttest.Bus, p wrap) error {
			return errors.Join(call(t.Context(), followNew, p, "daily"), call(t.Context(), seal, p, 0), // by which it is on an old host again
				call(t.Context(), publish, troupe.GetOrCreate[press](b.Client, "daily"), 1))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, _, p := twoPrograms(t)
			began := time.Now()
			require.NoError(t, test(b, p))
			require.Eventually(t, func() bool {
				got, err := weight.Call(t.Context(), p, nil)
				return err == nil && got == 6 || !errors.Is(err, nil)
			}, 10*time.Second, 5*time.Millisecond)
			t.Logf("after %v", time.Since(began))
		})
	}
}

// TestWhatNoProgramHas is refused, for good.
func TestWhatNoProgramHas(t *testing.T) {
	t.Parallel()
	b, _, p := twoPrograms(t)
	for range 3 {
		err := b.Client.Invoke(t.Context(), troupe.Invocation{ID: p.ID(), Action: "burn"})
		require.ErrorIs(t, err, troupe.ErrUnknownAction)
		err = b.Client.Invoke(t.Context(), troupe.Invocation{ID: p.ID(), Action: "weigh", In: "much"})
		require.ErrorIs(t, err, troupe.ErrBadInput)
		err = b.Client.Actor("wrap", "new").Create(t.Context(), "much")
		require.ErrorIs(t, err, troupe.ErrBadInput)
	}
	owner, err := byHand(t, b).records.Get(t.Context(), p.ID())
	require.NoError(t, err)
	for _, no := range []troupe.ScheduleRequest{{Action: "burn"}, {Action: "weigh", Input: "much"}, {Action: "frank", Input: "much"}} {
		no.ActorType, no.After = "wrap", time.Second
		_, err := troupe.SchedulerOf(t.Context(), p).Schedule(no)
		require.Error(t, err)
		require.NotErrorIs(t, err, troupe.ErrUnavailable)
	}
	still, err := byHand(t, b).records.Get(t.Context(), p.ID())
	require.NoError(t, err)
	require.Equal(t, owner.Epoch, still.Epoch, "it does not move in vain")
}

// TestRawCallsOfANewAction come from programs that do not send again: what is not done is told to be retryable.
func TestRawCallsOfANewAction(t *testing.T) {
	t.Parallel()
	b, _, _ := twoPrograms(t)
	nc, refused := b.Connect(), 0
	for i := range 50 {
		answer, err := nc.Request(fmt.Sprintf("troupe.route.wrap.%d.frank", i), []byte{5}, 5*time.Second)
		require.NoError(t, err)
		if failed := wire.DecodeError(answer); failed != nil {
			require.True(t, failed.Retryable, failed)
			refused++
		}
	}
	require.Zero(t, refused, "none of them is awake")
}

// TestCallersOfTwoPrograms has callers of both call the same parcels, while hosts come and go.
func TestCallersOfTwoPrograms(t *testing.T) {
	t.Parallel()
	b, old, _ := twoPrograms(t)
	const groups, each = 10, 8
	var sum atomic.Int64
	var all errgroup.Group
	for i := range groups {
		p := troupe.GetOrCreate[wrap](b.Client, fmt.Sprint(i%3))
		for n := range each {
			all.Go(func() error {
				sum.Add(2)
				if (n+i)%2 == 0 {
					return errors.Join(call(t.Context(), seal, p, 1), call(t.Context(), weighOld, p, 1))
				}
				return errors.Join(call(t.Context(), frank, p, 1), call(t.Context(), weighNew, p, weighed{1}))
			})
		}
	}
	b.Stop(old[0])
	require.NoError(t, all.Wait())
	got := 0
	for i := range 3 {
		one, err := weight.Call(t.Context(), troupe.GetOrCreate[wrap](b.Client, fmt.Sprint(i)), nil)
		require.NoError(t, err)
		got += one
	}
	require.Equal(t, int(sum.Load()), got)
}

// TestWordOfAnEarlierLeaveIsOver has a host hear that another has left an actor, which that one has woken again since.
func TestWordOfAnEarlierLeaveIsOver(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	owner := b.Host(counters())
	require.NoError(t, call(t.Context(), add, troupe.GetOrCreate[counter](b.Client, "a"), 5))
	hand := byHand(t, b)
	id, err := troupe.NewID("counter", "a")
	require.NoError(t, err)
	before, err := hand.records.Get(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, owner.ID(), before.Owner)
	other := b.Host(counters())
	replies, err := hand.nc.SubscribeSync(hand.nc.NewInbox())
	require.NoError(t, err)
	for i, want := range []string{owner.ID(), other.ID()} { // of the epoch before, and of this one
		epoch := before.Epoch - 1 + uint64(i)
		_, err = hand.nc.RequestMsg(&nats.Msg{Subject: "troupe.host." + other.ID() + ".call.counter.a.get", Header: nats.Header{
			"Troupe-Reply-To": {replies.Subject}, "Troupe-Left-By": {fmt.Sprint(owner.ID(), ".", epoch)},
		}}, 5*time.Second)
		require.NoError(t, err)
		answer, err := replies.NextMsg(5 * time.Second)
		require.NoError(t, err)
		require.Nil(t, wire.DecodeError(answer))
		now, err := hand.records.Get(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, want, now.Owner, epoch)
		if want == owner.ID() { // what comes while a call is passed on goes the same way
			require.Eventually(t, func() bool { return other.Active() == 0 }, 10*time.Second, time.Millisecond)
		}
	}
}
