package actorhost_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/client"
)

// A Courier does what headers travel with.
type Courier struct{ troupe.Ref }

func (Courier) ActorType() string { return "courier" }

var (
	Who       = troupe.NewAction[Courier, troupe.None, string]("who")       // what an interceptor has put into the context
	Pass      = troupe.NewAction[Courier, string, string]("pass")           // asks another one
	Traveled  = troupe.NewAction[Courier, troupe.None, string]("traveled")  // the traceparent of the turn, told by an interceptor
	Announce  = troupe.NewAction[Courier, string, troupe.None]("announce")  // broadcasts, live and durable
	Follow    = troupe.NewAction[Courier, string, troupe.None]("follow")    // both of another one
	Misbehave = troupe.NewAction[Courier, string, troupe.None]("misbehave") // fails in the way that it is told
	Announced = troupe.NewEvent[Courier, string]("announced")
	Recorded  = troupe.NewDurableEvent[Courier, string]("recorded")
)

type courierState struct{ N int }

type userKey struct{}

func couriers() actorhost.Definition {
	who := func(_ *courierState, c *actorhost.Context) (string, error) {
		return fmt.Sprint(c.Value(userKey{})), nil
	}
	return actorhost.Define(func() courierState { return courierState{} },
		actorhost.On(Who, actorhost.NoIn(who)),
		actorhost.On(Pass, func(_ *courierState, c *actorhost.Context, to string) (string, error) {
			return Traveled.Call(c, troupe.GetOrCreate[Courier](c, to), nil)
		}),
		actorhost.On(Traveled, actorhost.NoIn(who)),
		actorhost.On(Announce, actorhost.NoOut(func(_ *courierState, c *actorhost.Context, text string) error {
			return errors.Join(Announced.Broadcast(c, text), Recorded.Broadcast(c, text))
		})),
		actorhost.On(Follow, actorhost.NoOut(func(_ *courierState, c *actorhost.Context, whom string) error {
			other := troupe.GetOrCreate[Courier](c, whom)
			_, err := Announced.Subscribe(c, other, func(context.Context, string) error { return nil })
			return errors.Join(err, Recorded.SubscribeDurable(c, other))
		})),
		actorhost.On(Misbehave, actorhost.NoOut(func(s *courierState, _ *actorhost.Context, how string) error {
			s.N++
			if how == "panic" {
				panic(how)
			}
			return errRefused
		})),
	).OnEvents(actorhost.OnEvent(Recorded, func(*courierState, *actorhost.Context, string) error { return nil }))
}

const (
	someTrace  = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	otherTrace = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01"
)

// observed notes operations.
type observed struct {
	mu  sync.Mutex
	all []troupe.Operation
}

func (o *observed) intercept(ctx context.Context, op *troupe.Operation, next func(context.Context) error) error {
	o.mu.Lock()
	seen := *op
	seen.Header = troupe.Header{}
	for _, name := range op.Header.Keys() {
		seen.Header.Set(name, op.Header.Get(name))
	}
	o.all = append(o.all, seen)
	o.mu.Unlock()
	return next(context.WithValue(ctx, userKey{}, op.Header.Get("TraceParent")))
}

// of are those of a kind and name.
func (o *observed) of(kind troupe.OperationKind, name string) (found []troupe.Operation) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, op := range o.all {
		if op.Kind == kind && op.Name == name {
			found = append(found, op)
		}
	}
	return found
}

// traced sets the header of a trace on calls.
func traced(parent string) troupe.Interceptor {
	return func(ctx context.Context, op *troupe.Operation, next func(context.Context) error) error {
		op.Header.Set("TraceParent", parent)
		return next(ctx)
	}
}

func TestInterceptorsSeeAllOperations(t *testing.T) {
	t.Parallel()
	var host, program observed
	b := hosttest.Start(t)
	b.HostWith(actorhost.Config{Intercept: host.intercept}, couriers())
	cl := b.NewClient(client.Config{Intercept: troupe.Intercept(nil, traced(someTrace), program.intercept)})
	front, other := troupe.GetOrCreate[Courier](cl, "front"), troupe.GetOrCreate[Courier](cl, "other")
	heard := make(chan string, 1)
	_, err := Announced.Subscribe(t.Context(), front, func(ctx context.Context, _ string) error {
		heard <- fmt.Sprint(ctx.Value(userKey{}))
		return nil
	})
	require.NoError(t, err)
	told, err := Pass.Call(troupe.WithRequestID(t.Context(), "r1"), front, "back")
	require.NoError(t, err)
	require.Equal(t, someTrace, told, "the call of a turn carries on")
	require.NoError(t, call(t.Context(), Follow, other, "front"))
	require.NoError(t, call(t.Context(), Announce, front, "news"))
	require.Equal(t, someTrace, <-heard)
	require.Len(t, program.of(troupe.OpCall, "pass"), 1)
	require.Equal(t, "r1", program.of(troupe.OpCall, "pass")[0].RequestID)
	turn := host.of(troupe.OpAction, "pass")
	require.Len(t, turn, 1)
	require.Equal(t, "courier/front", turn[0].Actor.String())
	require.Equal(t, "r1", turn[0].RequestID)
	require.Len(t, host.of(troupe.OpCall, "traveled"), 1, "the calls of actors are seen by their host")
	require.Len(t, host.of(troupe.OpPublish, "announced"), 1)
	for _, name := range []string{"announced", "recorded"} {
		require.Eventually(t, func() bool { return len(host.of(troupe.OpEvent, name)) == 1 }, 10*time.Second, time.Millisecond, name)
		handled := host.of(troupe.OpEvent, name)[0]
		require.Equal(t, []string{"courier/other", "courier/front"}, []string{handled.Actor.String(), handled.Source.String()})
		require.Equal(t, someTrace, handled.Header.Get("traceparent"), name)
		require.Equal(t, name == "recorded", handled.Durable)
	}
	for _, op := range host.all {
		require.False(t, strings.HasPrefix(op.Name, "_"), "what hosts do among themselves is not told: %+v", op)
	}
}

// Headers go on where nobody looks at them: by the route and from host to host, too.
func TestHeadersTravelWhereNobodyIntercepts(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	var last observed
	b.HostWith(actorhost.Config{}, couriers())
	cl, nc := b.NewClient(client.Config{Intercept: traced(someTrace)}), b.Connect()
	ref := troupe.GetOrCreate[Courier](cl, "front")
	told, err := Traveled.Call(t.Context(), ref, nil)
	require.NoError(t, err)
	require.Equal(t, "<nil>", told)

	b.HostWith(actorhost.Config{Intercept: last.intercept}, couriers())
	wokenThere := func(i int) bool { // by the second host
		before := len(last.of(troupe.OpAction, "traveled"))
		_, err := Traveled.Call(t.Context(), troupe.GetOrCreate[Courier](b.Client, fmt.Sprint("back", i)), nil)
		require.NoError(t, err)
		return len(last.of(troupe.OpAction, "traveled")) > before
	}
	back := 0
	for !wokenThere(back) {
		back++
	}
	told, err = Pass.Call(t.Context(), ref, fmt.Sprint("back", back))
	require.NoError(t, err)
	require.Equal(t, someTrace, told, "the first host knows of no interceptor")

	// By the route, to whichever of the hosts, in any letter case.
	for i := range 20 {
		reply, err := nc.RequestMsg(&nats.Msg{Subject: fmt.Sprintf("troupe.route.courier.back%d.traveled", back), Header: nats.Header{
			"TRACEPARENT": {otherTrace}, "Baggage": {"a=1"}, "Nats-Trace-Only": {"x"},
		}}, 10*time.Second)
		require.NoError(t, err)
		require.Contains(t, string(reply.Data), otherTrace, i)
	}
	seen := last.of(troupe.OpAction, "traveled")
	require.Equal(t, troupe.Header{"traceparent": otherTrace, "baggage": "a=1"}, seen[len(seen)-1].Header)
}

func TestCallsInBatchesAndToldOnesCarryHeaders(t *testing.T) {
	t.Parallel()
	var host observed
	b := hosttest.Start(t)
	b.HostWith(actorhost.Config{Intercept: host.intercept}, couriers())
	cl := b.NewClient(client.Config{Intercept: traced(someTrace)})
	var calls sync.WaitGroup
	for i := range 64 {
		calls.Go(func() {
			ref := troupe.GetOrCreate[Courier](cl, fmt.Sprint(i))
			for range 3 {
				told, err := Who.Call(t.Context(), ref, nil)
				if err != nil || told != someTrace {
					t.Error(told, err)
				}
			}
		})
	}
	calls.Wait()
	require.NoError(t, Who.Tell(t.Context(), troupe.GetOrCreate[Courier](cl, "told"), nil))
	require.Eventually(t, func() bool { return len(host.of(troupe.OpAction, "who")) == 3*64+1 }, 10*time.Second, time.Millisecond)
	for _, op := range host.of(troupe.OpAction, "who") {
		require.Equal(t, someTrace, op.Header.Get("traceparent"))
	}
}

func TestWhatInterceptorsRefuse(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	denied := troupe.NewError("unauthorized", "who are you?")
	var failures []error
	b.HostWith(actorhost.Config{Intercept: func(ctx context.Context, op *troupe.Operation, next func(context.Context) error) error {
		if op.Kind != troupe.OpAction {
			return next(ctx)
		}
		switch op.Header.Get("authorization") {
		case "nobody":
			return denied
		case "silent":
			return nil
		case "forgiving":
			failures = append(failures, next(ctx))
			return nil
		case "twice":
			_ = next(ctx)
			return next(ctx)
		case "panics":
			panic("out of luck")
		case "late":
			if err := next(ctx); err != nil {
				return err
			}
			return denied
		case "hasty":
			short, cancel := context.WithTimeout(ctx, time.Minute)
			defer cancel()
			return next(short)
		}
		return next(ctx)
	}}, couriers(), counters())
	as := func(who string) context.Context { return context.WithValue(t.Context(), userKey{}, who) }
	cl := b.NewClient(client.Config{Intercept: func(ctx context.Context, op *troupe.Operation, next func(context.Context) error) error {
		if who, ok := ctx.Value(userKey{}).(string); ok {
			op.Header.Set("Authorization", who)
		}
		return next(ctx)
	}})
	ref, sum := troupe.GetOrCreate[Courier](cl, "a"), troupe.GetOrCreate[counter](cl, "a")
	require.ErrorIs(t, call(as("nobody"), add, sum, 1), denied)
	require.ErrorIs(t, call(as("late"), add, sum, 1), denied)
	for _, how := range []string{"silent", "twice", "panics"} {
		require.ErrorIs(t, call(as(how), add, sum, 1), troupe.ErrInternal, how)
	}
	got, err := get.Call(t.Context(), sum, nil)
	require.NoError(t, err)
	require.Zero(t, got, "what an interceptor has refused changes nothing")
	require.ErrorIs(t, call(as("forgiving"), Misbehave, ref, "user"), errRefused, "nothing makes a success of a failure")
	require.ErrorIs(t, call(as("forgiving"), Misbehave, ref, "panic"), troupe.ErrInternal)
	require.Len(t, failures, 2)
	require.ErrorIs(t, failures[0], errRefused)
	require.ErrorIs(t, failures[1], troupe.ErrInternal)
	require.NoError(t, call(as("hasty"), Pass, ref, "b"))
	require.ErrorIs(t, call(as("two\nlines"), add, sum, 1), troupe.ErrBadInput)
	require.ErrorIs(t, call(as(strings.Repeat("x", 9<<10)), add, sum, 1), troupe.ErrBadInput)

	unknown := b.NewClient(client.Config{Intercept: func(ctx context.Context, op *troupe.Operation, next func(context.Context) error) error {
		op.Header.Set("Nats-Trace-Dest", "elsewhere")
		return next(ctx)
	}})
	require.ErrorIs(t, call(t.Context(), add, troupe.GetOrCreate[counter](unknown, "a"), 1), troupe.ErrBadInput)
	broken := b.NewClient(client.Config{Intercept: func(context.Context, *troupe.Operation, func(context.Context) error) error {
		return errors.New("no")
	}})
	require.ErrorIs(t, call(t.Context(), add, troupe.GetOrCreate[counter](broken, "a"), 1), troupe.ErrInternal)
}

func TestLongBaggageIsLeftOut(t *testing.T) {
	t.Parallel()
	var host observed
	b := hosttest.Start(t)
	b.HostWith(actorhost.Config{Intercept: host.intercept}, couriers())
	cl := b.NewClient(client.Config{Intercept: func(ctx context.Context, op *troupe.Operation, next func(context.Context) error) error {
		op.Header.Set("traceparent", someTrace)
		op.Header.Set("tracestate", strings.Repeat("s", 500))
		op.Header.Set("baggage", strings.Repeat("b", 8000))
		return next(ctx)
	}})
	require.NoError(t, call(t.Context(), Who, troupe.GetOrCreate[Courier](cl, "a"), nil))
	require.Equal(t, []string{"traceparent", "tracestate"}, host.of(troupe.OpAction, "who")[0].Header.Keys())
}

// wrapped is what a program makes that wants to see what its callers do.
type wrapped struct{ troupe.Caller }

func TestWrappedCallersConnect(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, lounges)
	conn, err := enter.Connect(t.Context(), troupe.GetOrCreate[lounge](wrapped{b.Client}, "a"), "ann")
	require.NoError(t, err)
	require.NoError(t, conn.Close(t.Context()))
}
