package actorhost_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/internal/bustest"
)

// Two programs, as they are before and after a release: of a stall, and of the source of its events, each has what the other
// lacks. In the new one a field, an action, an event, an input and a type were renamed, which is to say removed and added.
type (
	stall  struct{ troupe.Ref }
	supply struct{ troupe.Ref }
	kiosk  struct{ troupe.Ref } // of the old program
	cart   struct{ troupe.Ref } // of the new one
)

func (stall) ActorType() string  { return "stall" }
func (supply) ActorType() string { return "supply" }
func (kiosk) ActorType() string  { return "kiosk" }
func (cart) ActorType() string   { return "cart" }

type goods struct{ Pieces int }

var (
	takeIn     = troupe.NewAction[stall, int, troupe.None]("takeIn") // of both
	takenOld   = troupe.NewAction[stall, troupe.None, inStall]("crates")
	takenNew   = troupe.NewAction[stall, troupe.None, inStall]("boxes")
	takeOld    = troupe.NewAction[stall, int, troupe.None]("takeCrates")
	takeNew    = troupe.NewAction[stall, int, troupe.None]("takeBoxes")
	weighInOld = troupe.NewAction[stall, int, troupe.None]("weighIn")
	weighInNew = troupe.NewAction[stall, goods, troupe.None]("weighIn") // takes another input
	orderOld   = troupe.NewAction[stall, string, troupe.None]("orderCrates")
	orderNew   = troupe.NewAction[stall, string, troupe.None]("orderBoxes")
	deliver    = troupe.NewAction[supply, int, troupe.None]("deliver")
	shippedOld = troupe.NewDurableEvent[supply, int]("cratesShipped")
	shippedNew = troupe.NewDurableEvent[supply, int]("boxesShipped")
	sellOld    = troupe.NewAction[kiosk, int, int]("sell")
	sellNew    = troupe.NewAction[cart, int, int]("sell")
)

// inStall is what has been taken in: by actions that both have, by those of one alone, and by events.
type inStall struct{ Both, Own, Shipped int }

type stallOld struct{ Both, Crates, CratesShipped int }

type stallNew struct{ Both, Boxes, BoxesShipped int }

type none struct{}

func takes[S any](n func(*S) *int) func(*S, *actorhost.Context, int) (troupe.None, error) {
	return func(s *S, _ *actorhost.Context, more int) (troupe.None, error) { *n(s) += more; return nil, nil }
}

func orders[S any](e troupe.DurableEvent[supply, int]) func(*S, *actorhost.Context, string) (troupe.None, error) {
	return func(_ *S, c *actorhost.Context, from string) (troupe.None, error) {
		return nil, e.SubscribeDurable(c, troupe.GetOrCreate[supply](c, from))
	}
}

// supplies deliver by both events in either program: what is removed from the one is the handler.
func supplies() actorhost.Definition {
	return actorhost.Define(func() none { return none{} }, actorhost.On(deliver, actorhost.NoOut(
		func(_ *none, c *actorhost.Context, pieces int) error {
			return errors.Join(shippedOld.Broadcast(c, pieces), shippedNew.Broadcast(c, pieces))
		})))
}

func oldProgram() []actorhost.Definition {
	crates := func(s *stallOld) *int { return &s.Crates }
	return []actorhost.Definition{
		actorhost.Define(func() stallOld { return stallOld{} },
			actorhost.On(takeIn, takes(func(s *stallOld) *int { return &s.Both })),
			actorhost.On(takeOld, takes(crates)), actorhost.On(weighInOld, takes(crates)), actorhost.On(orderOld, orders[stallOld](shippedOld)),
			actorhost.On(takenOld, actorhost.NoIn(func(s *stallOld, _ *actorhost.Context) (inStall, error) {
				return inStall{s.Both, s.Crates, s.CratesShipped}, nil
			})),
		).OnEvents(actorhost.OnEvent(shippedOld, func(s *stallOld, _ *actorhost.Context, n int) error { s.CratesShipped += n; return nil })),
		actorhost.Define(func() counterState { return counterState{} }, actorhost.On(sellOld, (*counterState).sell)),
		supplies(),
	}
}

func newProgram() []actorhost.Definition {
	boxes := func(s *stallNew) *int { return &s.Boxes }
	return []actorhost.Definition{
		actorhost.Define(func() stallNew { return stallNew{} },
			actorhost.On(takeIn, takes(func(s *stallNew) *int { return &s.Both })),
			actorhost.On(takeNew, takes(boxes)), actorhost.On(orderNew, orders[stallNew](shippedNew)),
			actorhost.On(weighInNew, actorhost.NoOut(func(s *stallNew, _ *actorhost.Context, in goods) error { s.Boxes += in.Pieces; return nil })),
			actorhost.On(takenNew, actorhost.NoIn(func(s *stallNew, _ *actorhost.Context) (inStall, error) {
				return inStall{s.Both, s.Boxes, s.BoxesShipped}, nil
			})),
		).OnEvents(actorhost.OnEvent(shippedNew, func(s *stallNew, _ *actorhost.Context, n int) error { s.BoxesShipped += n; return nil })),
		actorhost.Define(func() counterState { return counterState{} }, actorhost.On(sellNew, (*counterState).sell)),
		supplies(),
	}
}

func (s *counterState) sell(_ *actorhost.Context, n int) (int, error) {
	s.Value += n
	return s.Value, nil
}

// runStalls returns the program that runs a host on the server that is its argument.
func runStalls(definitions func() []actorhost.Definition) func([]string, map[string]func() string) (func() error, error) {
	return func(args []string, _ map[string]func() string) (end func() error, err error) {
		ctx, logger := context.Background(), slog.New(slog.DiscardHandler)
		nc, err := bus.Connect(ctx, bus.Config{URL: args[0], Logger: logger})
		if err != nil {
			return nil, err
		}
		host, err := actorhost.Start(ctx, nc, actorhost.Config{Logger: logger}, definitions()...)
		if err != nil {
			return nil, err
		}
		return func() error { defer nc.Close(); return host.Stop(ctx) }, nil
	}
}

// release is a program in use, and what its callers do with it. They stop before its last host goes: nobody could take
// their calls any more.
type release struct {
	program string
	season  *season
	call    func() (stop func() error)
	hosts   []*process
	stop    func() error
}

// start starts one more host.
func (r *release) start() {
	t := r.season.t
	t.Helper()
	r.hosts = append(r.hosts, startProcess(t, r.program, r.season.url))
	if r.stop == nil && r.call != nil {
		r.stop = r.call()
	}
}

// end ends one host, by end.
func (r *release) end(end func(*process, testing.TB)) {
	t := r.season.t
	t.Helper()
	if len(r.hosts) == 1 {
		require.NoError(t, r.stop(), r.program)
		r.stop = nil
	}
	end(r.hosts[0], t)
	r.hosts = r.hosts[1:]
}

// season is what callers do all the time, and what must have come of it.
type season struct {
	t       *testing.T
	url     string
	client  *client.Client
	both    atomic.Int64
	crates  atomic.Int64
	boxes   atomic.Int64
	shipped atomic.Int64
	calls   atomic.Int64
	kiosks  atomic.Int64
	carts   atomic.Int64
}

const stalls = 6

func (s *season) stall(i int) stall { return troupe.GetOrCreate[stall](s.client, fmt.Sprint(i%stalls)) }

// call makes one call and counts what it has added.
func (s *season) call(sum *atomic.Int64, call func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(s.t.Context(), 20*time.Second)
	defer cancel()
	if err := call(ctx); err != nil {
		return err
	}
	sum.Add(1)
	s.calls.Add(1)
	return nil
}

// callers call until they are stopped.
func (s *season) callers(call ...func(i int) error) (stop func() error) {
	ctx, cancel := context.WithCancel(s.t.Context())
	var all errgroup.Group
	for n, one := range call {
		all.Go(func() error {
			for i := n; ctx.Err() == nil; i++ {
				if err := one(i); err != nil {
					return fmt.Errorf("caller %d: %w", n, err)
				}
			}
			return nil
		})
	}
	return sync.OnceValue(func() error { cancel(); return all.Wait() })
}

func (s *season) callBoth() (stop func() error) {
	return s.callers(
		func(i int) error {
			return s.call(&s.both, func(ctx context.Context) error { return call(ctx, takeIn, s.stall(i), 1) })
		})
}

func (s *season) callOld() (stop func() error) {
	return s.callers(
		func(i int) error {
			return s.call(&s.crates, func(ctx context.Context) error { return call(ctx, takeOld, s.stall(i), 1) })
		},
		func(i int) error {
			return s.call(&s.crates, func(ctx context.Context) error { return call(ctx, weighInOld, s.stall(i), 1) })
		},
		func(int) error {
			return s.call(&s.kiosks, func(ctx context.Context) error { return call(ctx, sellOld, troupe.GetOrCreate[kiosk](s.client), 1) })
		})
}

func (s *season) callNew() (stop func() error) {
	return s.callers(
		func(i int) error {
			return s.call(&s.boxes, func(ctx context.Context) error { return call(ctx, takeNew, s.stall(i), 1) })
		},
		func(i int) error {
			return s.call(&s.boxes, func(ctx context.Context) error { return call(ctx, weighInNew, s.stall(i), goods{1}) })
		},
		func(int) error {
			return s.call(&s.carts, func(ctx context.Context) error { return call(ctx, sellNew, troupe.GetOrCreate[cart](s.client), 1) })
		})
}

// TestTwoPrograms deploys one program after the other, back, and again, in processes, while callers of both go on. No call
// fails that a host can take, and everything is done once.
func TestTwoPrograms(t *testing.T) {
	t.Parallel()
	takesLong(t)
	url := bustest.Serve(t, &server.Options{JetStream: true, StoreDir: t.TempDir(), NoLog: true}).ClientURL()
	nc, err := bus.Connect(t.Context(), bus.Config{URL: url})
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	cl, err := client.New(nc, client.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, cl.Close(context.WithoutCancel(t.Context()))) })
	s := &season{t: t, url: url, client: cl}
	older, newer := &release{program: "old stalls", season: s, call: s.callOld}, &release{program: "new stalls", season: s, call: s.callNew}
	older.start()
	newer.start()
	for i := range stalls {
		require.NoError(t, call(t.Context(), orderOld, s.stall(i), "main"))
		require.NoError(t, call(t.Context(), orderNew, s.stall(i), "main"))
	}
	stopBoth := s.callBoth()
	s.goOn()
	newer.end((*process).end) // a trial that has ended
	s.goOn()
	older.start()
	for _, to := range []*release{newer, older, newer} {
		from := older
		if to == older {
			from = newer
		}
		for _, end := range []func(*process, testing.TB){(*process).kill, (*process).end} {
			to.start()
			s.goOn()
			from.end(end)
			s.goOn()
		}
		t.Logf("%d calls, %d sent again: %s", s.calls.Load(), cl.Resent(), to.program)
	}
	older.start() // both can tell what they have
	s.goOn()
	require.NoError(t, errors.Join(stopBoth(), older.stop(), newer.stop()))
	s.check()
}

// goOn has events broadcast, and waits for more calls of all kinds.
func (s *season) goOn() {
	s.t.Helper()
	for range 2 {
		require.NoError(s.t, s.call(&s.shipped, func(ctx context.Context) error {
			return call(ctx, deliver, troupe.GetOrCreate[supply](s.client, "main"), 1)
		}))
	}
	until := s.calls.Load() + 150
	require.Eventually(s.t, func() bool { return s.calls.Load() > until }, time.Minute, time.Millisecond)
}

// check compares what callers were told with what the actors have.
func (s *season) check() {
	t := s.t
	t.Helper()
	var old, recent inStall
	require.Eventually(t, func() bool {
		old, recent = inStall{}, inStall{}
		for i := range stalls {
			for of, sum := range map[*troupe.Action[stall, troupe.None, inStall]]*inStall{&takenOld: &old, &takenNew: &recent} {
				got, err := of.Call(t.Context(), s.stall(i), nil)
				require.NoError(t, err)
				*sum = inStall{sum.Both + got.Both, sum.Own + got.Own, sum.Shipped + got.Shipped}
			}
		}
		return min(old.Shipped, recent.Shipped) >= stalls*int(s.shipped.Load())
	}, 40*time.Second, time.Second, "events: %v and %v of %d", &old, &recent, stalls*s.shipped.Load())
	require.Equal(t, inStall{int(s.both.Load()), int(s.crates.Load()), stalls * int(s.shipped.Load())}, old)
	require.Equal(t, inStall{int(s.both.Load()), int(s.boxes.Load()), stalls * int(s.shipped.Load())}, recent)
	for want, sell := range map[*atomic.Int64]func() (int, error){
		&s.kiosks: func() (int, error) { return sellOld.Call(t.Context(), troupe.GetOrCreate[kiosk](s.client), 0) },
		&s.carts:  func() (int, error) { return sellNew.Call(t.Context(), troupe.GetOrCreate[cart](s.client), 0) },
	} {
		got, err := sell()
		require.NoError(t, err)
		require.Equal(t, int(want.Load()), got)
	}
}
