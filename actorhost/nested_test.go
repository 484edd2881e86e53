package actorhost_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/client"
)

// A till pays into counters, by calls without ids. It has no state to change itself.
type till struct{ troupe.Ref }

func (till) ActorType() string { return "till" }

var (
	pay        = troupe.NewAction[till, int, int]("pay")        // adds one to so many counters, one after the other
	scatter    = troupe.NewAction[till, int, int]("scatter")    // at the same time, in any order
	payHere    = troupe.NewAction[till, int, int]("payHere")    // so many times the same
	payByOther = troupe.NewAction[till, int, int]("payByOther") // has another till pay
)

// tillHall is what the tills of a test share.
type tillHall struct {
	runs  atomic.Int64
	begun chan struct{} // something for each run that hangs
	hangs atomic.Bool   // a run waits once its calls are made, and then fails
	leave chan struct{} // closed when none waits any more
	other *client.Client
}

func (h *tillHall) after(c *actorhost.Context) (int, error) {
	runs := int(h.runs.Add(1))
	if h.hangs.Load() {
		h.begun <- struct{}{}
		<-h.leave
		return 0, errors.New("its host is gone")
	}
	return runs, nil
}

func (h *tillHall) actors() actorhost.ActorType[till, struct{}] {
	payOne := func(ctx context.Context, c troupe.Caller, n int) error {
		return call(ctx, add, troupe.GetOrCreate[counter](c, fmt.Sprint(n)), 1)
	}
	return actorhost.Define(func() struct{} { return struct{}{} },
		actorhost.On(pay, func(_ *struct{}, c *actorhost.Context, n int) (int, error) {
			for i := range n {
				if err := payOne(c, c, i); err != nil {
					return 0, err
				}
			}
			return h.after(c)
		}),
		actorhost.On(scatter, func(_ *struct{}, c *actorhost.Context, n int) (int, error) {
			var calls errgroup.Group
			for _, i := range rand.Perm(n) {
				by := troupe.Caller(c)
				if i%2 == 0 && h.other != nil {
					by = h.other // with the context of the turn
				}
				calls.Go(func() error { return payOne(c, by, i) })
			}
			if err := calls.Wait(); err != nil {
				return 0, err
			}
			return h.after(c)
		}),
		actorhost.On(payHere, func(_ *struct{}, c *actorhost.Context, n int) (int, error) {
			for range n {
				if err := payOne(c, c, 0); err != nil {
					return 0, err
				}
			}
			return h.after(c)
		}),
		actorhost.On(payByOther, func(_ *struct{}, c *actorhost.Context, n int) (int, error) {
			if _, err := pay.Call(c, troupe.GetOrCreate[till](c, "second"), n); err != nil {
				return 0, err
			}
			return h.after(c)
		}),
	)
}

func sumOf(t *testing.T, b *hosttest.Bus, counters int) (sum int) {
	t.Helper()
	for i := range counters {
		got, err := get.Call(t.Context(), troupe.GetOrCreate[counter](b.Client, fmt.Sprint(i)), nil)
		require.NoError(t, err)
		sum += got
	}
	return sum
}

// TestNestedCallsTakeEffectOnce kills the host of an action once it has made its calls. The host that takes over runs it
// again.
func TestNestedCallsTakeEffectOnce(t *testing.T) {
	t.Parallel()
	const n = 20
	for name, test := range map[string]struct {
		action troupe.Action[till, int, int]
		given  string
	}{
		"one after the other":  {pay, ""},
		"with an id":           {pay, "order-1"},
		"at the same time":     {scatter, ""},
		"the same over again":  {payHere, ""},
		"by another actor":     {payByOther, ""},
		"by another, with ids": {payByOther, "order-1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := hosttest.Start(t)
			b.Host(counters())
			hall := &tillHall{begun: make(chan struct{}, 10), leave: make(chan struct{}), other: b.NewClient(client.Config{})}
			hall.hangs.Store(true)
			host := b.Host(hall.actors())
			ctx := t.Context()
			if test.given != "" {
				ctx = troupe.WithRequestID(ctx, test.given)
			}
			paid := make(chan error, 1)
			go func() {
				_, err := test.action.Call(ctx, troupe.GetOrCreate[till](b.Client, "a"), n)
				paid <- err
			}()
			<-hall.begun
			require.Equal(t, n, sumOf(t, b, n))
			hall.hangs.Store(false)
			b.Kill(host)
			close(hall.leave)
			b.Host(hall.actors())
			require.NoError(t, <-paid)
			require.Equal(t, n, sumOf(t, b, n), "nothing is paid twice")
			require.GreaterOrEqual(t, hall.runs.Load(), int64(2))

			require.NoError(t, call(t.Context(), test.action, troupe.GetOrCreate[till](b.Client, "a"), n))
			require.Equal(t, 2*n, sumOf(t, b, n), "another call pays again")
		})
	}
}

// TestActionThatOnlyCalls changes nothing itself, so it runs again when its call comes again; its calls have effect once.
func TestActionThatOnlyCalls(t *testing.T) {
	t.Parallel()
	hall := new(tillHall)
	b := hosttest.Start(t, counters(), hall.actors())
	r := newRawCaller(t, b)
	r.actor = "till.a"
	for attempt := 1; attempt <= 2; attempt++ {
		r.send("pay", 3, 1, 1, attempt)
		r.requireAnswer(attempt)
		require.Equal(t, 3, sumOf(t, b, 3))
	}
	require.EqualValues(t, 2, hall.runs.Load())
}

// TestNestedCallOfAnActionThatFails runs again with its action, and has effect once.
func TestNestedCallOfAnActionThatFails(t *testing.T) {
	t.Parallel()
	var fails atomic.Int64
	fails.Store(3)
	b := hosttest.Start(t, counters(), actorhost.Define(func() struct{} { return struct{}{} },
		actorhost.On(pay, func(_ *struct{}, c *actorhost.Context, n int) (int, error) {
			got, err := add.Call(c, troupe.GetOrCreate[counter](c, "0"), n)
			if fails.Add(-1) >= 0 {
				return 0, errors.Join(err, troupe.NewError("full", "not now"))
			}
			return got, err
		})))
	ref := troupe.GetOrCreate[till](b.Client, "a")
	ctx := troupe.WithRequestID(t.Context(), "order-1")
	for range 3 {
		require.ErrorContains(t, call(ctx, pay, ref, 5), "full: not now")
	}
	got, err := pay.Call(ctx, ref, 5)
	require.NoError(t, err)
	require.Equal(t, 5, got)
	require.Equal(t, 5, sumOf(t, b, 1))
}

// TestEachTurnHasARequestID, so that what is made from it never makes one call of two.
func TestEachTurnHasARequestID(t *testing.T) {
	t.Parallel()
	seen := make(chan string, 10)
	b := hosttest.Start(t, counters(), actorhost.Define(func() struct{} { return struct{}{} },
		actorhost.On(pay, func(_ *struct{}, c *actorhost.Context, n int) (int, error) {
			seen <- c.RequestID()
			seen <- c.RequestID()
			return n, nil
		})))
	nc := b.Connect()
	ids := map[string]bool{}
	for range 3 {
		_, err := nc.Request("troupe.route.till.a.pay", []byte{5}, 10e9) // without an identity
		require.NoError(t, err)
		id := <-seen
		require.NotEmpty(t, id)
		require.Equal(t, id, <-seen)
		require.NotContains(t, ids, id)
		ids[id] = true
	}
}
