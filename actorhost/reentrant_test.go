package actorhost_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/internal/wire"
)

// alcove is called by studies, and calls them back.
type alcove struct{ troupe.Ref }

func (alcove) ActorType() string { return "alcove" }

var (
	alcovePass  = troupe.NewAction[alcove, passage, int]("alcovePass")
	alcoveHeard = troupe.NewAction[alcove, troupe.None, []int]("alcoveHeard")
)

// passage is what an alcove does: it has another alcove do the same, or calls a study.
type passage struct {
	Study string
	Via   []string
	Of    string
	For   time.Duration
}

type alcoveState struct{ Told []int }

func alcoves() actorhost.ActorType[alcove, alcoveState] {
	return actorhost.Define(func() alcoveState { return alcoveState{} },
		actorhost.On(alcovePass, func(s *alcoveState, c *actorhost.Context, p passage) (told int, err error) {
			if len(p.Via) > 0 {
				told, err = alcovePass.Call(c, troupe.GetOrCreate[alcove](c, p.Via[0]), passage{p.Study, p.Via[1:], p.Of, p.For})
			} else if _, err = (studying{For: p.For}).take(c); err == nil {
				err = c.Actor("study", p.Study).Call(c, p.Of, studying{}, &told)
			}
			s.Told = append(s.Told, told)
			return told, err
		}),
		actorhost.On(alcoveHeard, actorhost.NoIn(func(s *alcoveState, _ *actorhost.Context) ([]int, error) { return s.Told, nil })))
}

// TestReentrantActionSeesWhatIsStoredBeforeTheTurn that waits for it, and which fails or not.
func TestReentrantActionSeesWhatIsStoredBeforeTheTurn(t *testing.T) {
	t.Parallel()
	for name, via := range map[string][]string{"by one": {"b"}, "by three": {"b", "c", "d"}} {
		for _, hosts := range []int{1, 2} {
			t.Run(fmt.Sprint(name, " on ", hosts), func(t *testing.T) {
				t.Parallel()
				b := hosttest.Start(t)
				if hosts == 1 {
					b.Host(studies(), alcoves())
				} else {
					b.Host(studies())
					b.Host(alcoves())
				}
				a, last := troupe.GetOrCreate[study](b.Client, "a"), troupe.GetOrCreate[alcove](b.Client, via[len(via)-1])
				for want := 10; want < 13; want++ {
					told, err := studyWrite.Call(t.Context(), a, studying{Via: via, Of: "back"})
					require.NoError(t, err)
					require.Equal(t, want, told, "the turn has added one already")
				}
				_, err := studyWrite.Call(t.Context(), a, studying{Via: via, Of: "back", How: "fail"})
				require.ErrorIs(t, err, errRefused)
				told, err := alcoveHeard.Call(t.Context(), last, nil)
				require.NoError(t, err)
				require.Equal(t, []int{10, 11, 12, 13}, told)
				now, err := studyLook.Call(t.Context(), a, studying{})
				require.NoError(t, err)
				require.Equal(t, 13, now, "what was told is what is")
			})
		}
	}
}

func TestOnlyReentrantActionsComeBack(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, studies(), alcoves())
	a := troupe.GetOrCreate[study](b.Client, "a")
	now, err := studyWrite.Call(t.Context(), a, studying{})
	require.NoError(t, err)
	for _, of := range []string{"write", "look", "read"} {
		for _, outer := range []troupe.Action[study, studying, int]{studyWrite, studyLook, studyRead, studyBack} {
			_, err := outer.Call(t.Context(), a, studying{Via: []string{"b"}, Of: of})
			require.ErrorIs(t, err, troupe.ErrCallCycle)
			require.ErrorContains(t, err, "study/a -> alcove/b -> study/a: only an action that is Reentrant may come back")
			told, err := outer.Call(t.Context(), a, studying{Via: []string{"b"}, Of: "back"})
			require.NoError(t, err)
			require.Equal(t, now, told)
			if outer == studyWrite {
				now++
			}
		}
	}
}

// TestReentrantActionsOfManyChains come in batches, to few actors and to many.
func TestReentrantActionsOfManyChains(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, studies(), alcoves())
	for _, actors := range []int{1, 64} {
		var all errgroup.Group
		for i := range actors { // what only reads creates none
			require.NoError(t, call(t.Context(), studyWrite, troupe.GetOrCreate[study](b.Client, fmt.Sprint(actors, "-", i)), studying{}))
		}
		for i := range 256 {
			all.Go(func() error {
				a := troupe.GetOrCreate[study](b.Client, fmt.Sprint(actors, "-", i%actors))
				action := []troupe.Action[study, studying, int]{studyWrite, studyLook, studyRead}[i%3]
				_, err := action.Call(t.Context(), a, studying{Via: []string{fmt.Sprint("b", i)}, Of: "back"})
				return err
			})
		}
		require.NoError(t, all.Wait())
	}
}

// TestReaderThatIsReenteredKeepsWritersOut has a write wait for two readers, which are called back meanwhile, of which one ends.
func TestReaderThatIsReenteredKeepsWritersOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := scholarsOf(t, hosttest.Start(t, studies(), alcoves()))
		k.send(studyWrite, studying{}).require(t, 11)
		first := k.send(studyLook, studying{For: time.Second, Via: []string{"b"}, Of: "back"})
		second := k.send(studyLook, studying{For: 3 * time.Second, Via: []string{"c"}, Of: "back"})
		write := k.send(studyWrite, studying{For: time.Second})
		last := k.send(studyLook, studying{})
		after(2500 * time.Millisecond)
		first.require(t, 11)
		require.False(t, write.done())
		k.send(studyRead, studying{}).require(t, 11)
		after(4 * time.Second)
		second.require(t, 11)
		require.False(t, write.done())
		require.False(t, last.done())
		after(time.Second)
		write.require(t, 12)
		last.require(t, 12)
	})
}

// TestReentrantActionDoesNotWait: while it could not run, it is refused.
func TestReentrantActionDoesNotWait(t *testing.T) {
	t.Parallel()
	back := func(c *actorhost.Context) error {
		_, err := alcovePass.Call(c, troupe.GetOrCreate[alcove](c, "b"), passage{Study: "a", Of: "back"})
		return err
	}
	t.Run("of no actor", func(t *testing.T) {
		t.Parallel()
		b := hosttest.Start(t, studies(), alcoves())
		_, err := studyLook.Call(t.Context(), troupe.GetOrCreate[study](b.Client, "a"), studying{Via: []string{"b"}, Of: "back"})
		require.ErrorIs(t, err, troupe.ErrCallCycle)
	})
	for name, kind := range map[string]actorhost.Definition{
		"on wake": studies().OnWake(func(_ *studyState, c *actorhost.Context) error { return back(c) }),
		"on create": actorhost.Define(new(newStudies).state,
			actorhost.OnCreate(troupe.NewConstructor[study, troupe.None](),
				func(_ *studyState, c *actorhost.Context, _ troupe.None) error { return back(c) }),
			actorhost.On(studyBack, (*studyState).read).Reentrant(), actorhost.On(studyWrite, (*studyState).write)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := hosttest.Start(t, kind, alcoves())
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			_, err := studyWrite.Call(ctx, troupe.GetOrCreate[study](b.Client, "a"), studying{})
			require.ErrorIs(t, err, troupe.ErrCallCycle)
			require.ErrorContains(t, err, "study/a -> alcove/b -> study/a: no stored state can be read now")
		})
	}
}

// TestReentrantActionBeyondTheLimit is refused, for it would wait for itself.
func TestReentrantActionBeyondTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = 256
		k := scholarsOf(t, hosttest.Start(t, studies(), alcoves()))
		write := k.send(studyWrite, studying{For: 2 * time.Second, Via: []string{"b"}, Of: "back"})
		after(3 * time.Second)
		for range most {
			k.send(studyRead, studying{For: time.Minute})
		}
		after(time.Minute)
		require.ErrorIs(t, write.failed(), troupe.ErrOverloaded)
		require.ErrorContains(t, write.failed(), "study/a is read beside its turns 256 times already")
	})
}

// TestCallsThatComeBackByAnotherHost, which does not own the actor that waits for them, reach the one that does.
func TestCallsThatComeBackByAnotherHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := hosttest.Start(t)
		b.Host(studies())
		a := troupe.GetOrCreate[study](b.Client, "a")
		require.NoError(t, call(t.Context(), studyWrite, a, studying{}))
		b.Host(studies())
		written := make(chan error, 1)
		go func() { written <- call(t.Context(), studyWrite, a, studying{For: 10 * time.Second}) }()
		synctest.Wait()
		nc, body := b.Connect(), []byte{0x80} // an empty map
		answers, err := nc.SubscribeSync("answers")
		require.NoError(t, err)
		const calls = 64
		for range calls {
			require.NoError(t, nc.PublishMsg(&nats.Msg{
				Subject: "troupe.route.study.a.back", Reply: "answers", Data: body, Header: nats.Header{wire.HeaderChain: {"study.a"}},
			}))
		}
		for range calls {
			answer, err := answers.NextMsg(5 * time.Second)
			require.NoError(t, err)
			if failed := wire.DecodeError(answer); failed != nil {
				require.NoError(t, failed)
			}
		}
		require.NoError(t, <-written)
	})
}
