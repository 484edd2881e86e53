package actorhost_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
)

// A patrol walks its rounds by itself.
type Patrol struct{ troupe.Ref }

func (Patrol) ActorType() string { return "patrol" }

var (
	Rounds  = troupe.NewAction[Patrol, troupe.None, []round]("rounds")
	Command = troupe.NewAction[Patrol, patrolOrders, troupe.None]("order")
)

// A round is one that was walked.
type round struct {
	At   time.Time
	Host string
}

type patrolOrders struct {
	Every time.Duration // between two rounds
	Fail  int           // how many rounds fail
	Panic bool
	Most  int // rounds until the loop is over
}

type patrol struct {
	Orders patrolOrders
	Failed int
	Rounds []round
}

func (p *patrol) rounds(*actorhost.Context) ([]round, error) { return p.Rounds, nil }

func (p *patrol) order(_ *actorhost.Context, o patrolOrders) error { p.Orders = o; return nil }

var errLost = errors.New("lost the way")

func walk(l *actorhost.Loop[patrol]) error {
	for {
		var o patrolOrders
		var failed int
		if err := l.Turn(func(p *patrol, _ *actorhost.Context) error { o, failed = p.Orders, p.Failed; return nil }); err != nil {
			return err
		}
		if o.Every == 0 {
			o.Every = time.Second
		}
		if !l.Pause(o.Every) {
			return nil
		}
		if failed < o.Fail {
			if err := l.Turn(func(p *patrol, _ *actorhost.Context) error { p.Failed++; return nil }); err != nil {
				return err
			}
			if o.Panic {
				panic("the patrol has " + errLost.Error())
			}
			return errLost
		}
		walked := 0
		err := l.Turn(func(p *patrol, c *actorhost.Context) error {
			p.Rounds = append(p.Rounds, round{time.Now().UTC(), c.HostID()})
			walked = len(p.Rounds)
			return nil
		})
		if err != nil || o.Most > 0 && walked >= o.Most {
			return err
		}
	}
}

var patrols = actorhost.Define(func() patrol { return patrol{} },
	actorhost.On(Rounds, actorhost.NoIn((*patrol).rounds)), actorhost.On(Command, actorhost.NoOut((*patrol).order)),
).Loop(walk).Config(actorhost.TypeConfig{SleepAfter: 20 * time.Second})

func roundsOf(t *testing.T, p Patrol) []round {
	t.Helper()
	rounds, err := Rounds.Call(t.Context(), p, nil)
	require.NoError(t, err)
	return rounds
}

func TestLoopRunsBesideTheTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := hosttest.Start(t, patrols)
		p := troupe.GetOrCreate[Patrol](b.Client, "north")
		require.Empty(t, roundsOf(t, p))
		time.Sleep(10500 * time.Millisecond) //nolint:forbidigo // virtual time
		require.Len(t, roundsOf(t, p), 10)
		time.Sleep(time.Minute) //nolint:forbidigo // virtual time
		require.Len(t, roundsOf(t, p), 70, "it does not fall asleep while its loop runs")
	})
}

func TestLoopThatFailsIsRunAgain(t *testing.T) {
	for name, panics := range map[string]bool{"error": false, "panic": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := hosttest.Start(t, patrols)
				p := troupe.GetOrCreate[Patrol](b.Client, "north")
				_, err := Command.Call(t.Context(), p, patrolOrders{Fail: 4, Panic: panics})
				require.NoError(t, err)
				// Four rounds of a second that fail, pauses of 1, 2, 4 and 8 s, and one round that does not.
				time.Sleep(19500 * time.Millisecond) //nolint:forbidigo // virtual time
				require.Empty(t, roundsOf(t, p))
				time.Sleep(time.Second) //nolint:forbidigo // virtual time
				require.Len(t, roundsOf(t, p), 1)
			})
		})
	}
}

func TestLoopThatIsOverLetsTheActorSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := hosttest.Start(t)
		host := b.Host(patrols)
		p := troupe.GetOrCreate[Patrol](b.Client, "north")
		_, err := Command.Call(t.Context(), p, patrolOrders{Most: 3})
		require.NoError(t, err)
		time.Sleep(time.Minute) //nolint:forbidigo // virtual time
		require.Zero(t, host.Active())
		require.Len(t, roundsOf(t, p), 3)
		time.Sleep(1500 * time.Millisecond) //nolint:forbidigo // virtual time
		require.Len(t, roundsOf(t, p), 4, "it has run again, as the call has woken the actor")
	})
}

// TestLongPauseLetsTheActorSleep has a patrol walk once an hour.
func TestLongPauseLetsTheActorSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := hosttest.Start(t)
		host := b.Host(patrols)
		p := troupe.GetOrCreate[Patrol](b.Client, "north")
		_, err := Command.Call(t.Context(), p, patrolOrders{Every: 10 * time.Minute})
		require.NoError(t, err)
		began := time.Now()
		time.Sleep(time.Minute) //nolint:forbidigo // virtual time
		require.Zero(t, host.Active())
		time.Sleep(5 * time.Minute) //nolint:forbidigo // virtual time
		require.Empty(t, roundsOf(t, p), "the call wakes the actor before the pause is over, which goes on")
		time.Sleep(25 * time.Minute) //nolint:forbidigo // virtual time
		rounds := roundsOf(t, p)
		require.Len(t, rounds, 3)
		for i, r := range rounds {
			late := r.At.Sub(began.Add(time.Duration(i+1) * 10 * time.Minute))
			require.GreaterOrEqual(t, late, time.Duration(0))
			require.Less(t, late, time.Duration(i+1)*time.Second)
		}
	})
}

// TestLoopComesBack ends the host of a patrol in one way or another, and calls nobody until its loop runs elsewhere.
func TestLoopComesBack(t *testing.T) {
	for name, test := range map[string]struct {
		end    func(*hosttest.Bus, *actorhost.Host)
		within time.Duration
	}{
		"killed":  {(*hosttest.Bus).Kill, 5 * time.Second},
		"stopped": {(*hosttest.Bus).Stop, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := hosttest.Start(t)
				heard := hearRounds()
				first := b.Host(heard.patrols)
				p := troupe.GetOrCreate[Patrol](b.Client, "north")
				require.Empty(t, roundsOf(t, p))
				time.Sleep(2500 * time.Millisecond) //nolint:forbidigo // virtual time
				require.Equal(t, []string{first.ID(), first.ID()}, heard.hosts())
				second := b.Host(heard.patrols)
				began := time.Now()
				test.end(b, first)
				for len(heard.hosts()) == 2 {
					time.Sleep(10 * time.Millisecond) //nolint:forbidigo // virtual time
				}
				require.Equal(t, second.ID(), heard.hosts()[2])
				require.Less(t, time.Since(began), test.within+time.Second, "with the pause of its first round")
			})
		})
	}
}

// TestLoopComesBackToTheOnlyHost has the only host of a patrol start again.
func TestLoopComesBackToTheOnlyHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := hosttest.Start(t)
		heard := hearRounds()
		first := b.Host(heard.patrols)
		require.Empty(t, roundsOf(t, troupe.GetOrCreate[Patrol](b.Client, "north")))
		time.Sleep(1500 * time.Millisecond) //nolint:forbidigo // virtual time
		began := time.Now()
		b.Stop(first)
		require.Less(t, time.Since(began), 100*time.Millisecond, "there is nobody to hand the patrol over to")
		require.Len(t, heard.hosts(), 1)
		b.Host(heard.patrols)
		time.Sleep(10 * time.Second) //nolint:forbidigo // virtual time
		require.Greater(t, len(heard.hosts()), 1)
	})
}

func TestLoopEndsWithTheActor(t *testing.T) {
	for name, action := range map[string]string{"asleep": troupe.SleepAction, "destroyed": troupe.DestroyAction} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := hosttest.Start(t)
				heard := hearRounds()
				host := b.Host(heard.patrols)
				p := troupe.GetOrCreate[Patrol](b.Client, "north")
				require.Empty(t, roundsOf(t, p))
				time.Sleep(1500 * time.Millisecond) //nolint:forbidigo // virtual time
				require.NoError(t, b.Client.Invoke(t.Context(), troupe.Invocation{ID: p.ID(), Action: action}))
				time.Sleep(time.Minute) //nolint:forbidigo // virtual time
				require.Zero(t, host.Active())
				require.Len(t, heard.hosts(), 1)
			})
		})
	}
}

// heardRounds are those of which a test hears, without calling the patrol.
type heardRounds struct {
	patrols actorhost.Definition
	mu      sync.Mutex
	by      []string
}

func hearRounds() *heardRounds {
	h := new(heardRounds)
	h.patrols = actorhost.Define(func() patrol { return patrol{} }, actorhost.On(Rounds, actorhost.NoIn((*patrol).rounds))).Loop(func(l *actorhost.Loop[patrol]) error {
		for l.Pause(time.Second) {
			if err := l.Turn(func(_ *patrol, c *actorhost.Context) error {
				h.mu.Lock()
				defer h.mu.Unlock()
				h.by = append(h.by, c.HostID())
				return nil
			}); err != nil {
				return err
			}
		}
		return nil
	})
	return h
}

func (h *heardRounds) hosts() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string{}, h.by...)
}

// TestLoopCallsOthers has a loop call other actors as its own.
func TestLoopCallsOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		done := make(chan int, 1)
		lonely := actorhost.Define(func() patrol { return patrol{} }, actorhost.On(Rounds, actorhost.NoIn((*patrol).rounds))).Loop(func(l *actorhost.Loop[patrol]) error {
			n, err := add.Call(l, troupe.GetOrCreate[counter](l, "a"), 2)
			if err == nil {
				done <- n
			}
			return err
		})
		b := hosttest.Start(t, lonely, counters())
		require.Empty(t, roundsOf(t, troupe.GetOrCreate[Patrol](b.Client, "north")))
		require.Equal(t, 2, <-done)
	})
}

var _ context.Context = (*actorhost.Loop[patrol])(nil)
