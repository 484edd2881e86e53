package actorhost_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/codec"
)

// awaitCount waits until a counter has a value.
func awaitCount(t *testing.T, ref counter, want int) {
	t.Helper()
	var got int
	require.Eventually(t, func() bool {
		var err error
		got, err = get.Call(t.Context(), ref, nil)
		return err == nil && got >= want
	}, 30*time.Second, 5*time.Millisecond)
	require.Equal(t, want, got)
}

// What is told arrives, wherever the actor is: asleep, awake on this host or on another. No number is mistaken for another encoding.
func TestTell(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	hosts := []*actorhost.Host{b.Host(counters()), b.Host(counters()), b.Host(counters())}
	ref := troupe.GetOrCreate[counter](b.Client, "a")
	sum := 0
	for n := range 100 {
		require.NoError(t, add.Tell(t.Context(), ref, n))
		sum += n
	}
	awaitCount(t, ref, sum)
	require.NoError(t, b.Client.Invoke(t.Context(), troupe.Invocation{ID: ref.ID(), Action: troupe.SleepAction}))
	require.NoError(t, b.Client.Actor("counter", "a").Tell(t.Context(), "add", 1))
	awaitCount(t, ref, sum+1)

	js := b.NewClient(client.Config{Codec: codec.JSON})
	require.NoError(t, add.Tell(t.Context(), troupe.GetOrCreate[counter](js, "a"), 5))
	awaitCount(t, ref, sum+6)

	require.NoError(t, reply.Tell(t.Context(), ref, 2<<20), "nobody waits for an output that is too large")
	awaitCount(t, ref, sum+7)

	require.NoError(t, add.Tell(t.Context(), troupe.Get[counter](b.Client, "nobody"), 1))
	require.Eventually(t, func() bool { return endpointStats(t, b, hosts, "add").NumErrors == 1 }, 30*time.Second, 10*time.Millisecond)
	require.ErrorIs(t, call(t.Context(), get, troupe.Get[counter](b.Client, "nobody"), nil), troupe.ErrNotFound)
	require.Equal(t, 103, endpointStats(t, b, hosts, "add").NumRequests)
}

// endpointStats are what hosts have counted of an action of counters.
func endpointStats(t *testing.T, b *hosttest.Bus, hosts []*actorhost.Host, action string) (all micro.EndpointStats) {
	t.Helper()
	nc := b.Connect()
	defer nc.Close()
	for _, host := range hosts {
		for _, endpoint := range askService[micro.Stats](t, nc, "$SRV.STATS.troupe."+host.ID()).Endpoints {
			if strings.HasSuffix(endpoint.Name, "-"+action) {
				all.NumRequests += endpoint.NumRequests
				all.NumErrors += endpoint.NumErrors
			}
		}
	}
	return all
}

// Any client of NATS tells: it publishes, on the route, or where an actor listens that is awake.
func TestTellByNATSAlone(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	b.Host(counters())
	b.Host(counters())
	nc, ref := b.Connect(), troupe.GetOrCreate[counter](b.Client, "a")
	for range 10 {
		require.NoError(t, nc.Publish("troupe.route.counter.a.add", []byte{1}))
	}
	awaitCount(t, ref, 10)
	require.NoError(t, nc.Publish("troupe.call.counter.a.add", []byte{5}))
	require.NoError(t, nc.Publish("troupe.route.counter.a.add", []byte("15")))
	require.NoError(t, nc.PublishMsg(&nats.Msg{
		Subject: "troupe.route.counter.a.add", Data: []byte("7"), Header: nats.Header{"Content-Type": {"application/json"}},
	}))
	awaitCount(t, ref, 37)
	require.NoError(t, nc.PublishRequest("troupe.route.counter.a.add", "troupe.event.counter.a.forged", []byte{1}), "which is no inbox")
	require.NoError(t, nc.Publish("troupe.route.counter.a.add", []byte{2}))
	awaitCount(t, ref, 39)
}

// Calls teach a program where actors are: what it tells them then goes there, many in one message.
func TestTellTravelsWithOthers(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	b.Host(counters())
	b.Host(counters())
	var batches atomic.Int64
	nc := b.Connect()
	_, err := nc.Subscribe("troupe.host.*.batch", func(msg *nats.Msg) {
		if len(msg.Data) > 0 {
			batches.Add(1)
		}
	})
	require.NoError(t, err)
	require.NoError(t, nc.Flush())
	ref := troupe.GetOrCreate[counter](b.Client, "a")
	told := 0
	require.Eventually(t, func() bool {
		var calls errgroup.Group // whose answers travel together
		for range 100 {
			calls.Go(func() error { return call(t.Context(), get, ref, nil) })
		}
		require.NoError(t, calls.Wait())
		before := batches.Load()
		for range 100 {
			if add.Tell(t.Context(), ref, 1) == nil {
				told++
			}
		}
		awaitCount(t, ref, told)
		return batches.Load() > before
	}, 30*time.Second, 10*time.Millisecond)
}

// What does not fit into the mailbox is refused, and counted as a call that is.
func TestTellWhenTheMailboxIsFull(t *testing.T) {
	t.Parallel()
	hold := troupe.NewAction[counter, int, troupe.None]("hold")
	entered, leave := make(chan struct{}), make(chan struct{})
	b := hosttest.Start(t)
	host := b.Host(actorhost.Define(func() counterState { return counterState{} },
		actorhost.On(get, actorhost.NoIn((*counterState).get)),
		actorhost.On(hold, actorhost.NoOut(func(s *counterState, _ *actorhost.Context, n int) error {
			if s.Value += n; s.Value == n {
				close(entered)
				<-leave
			}
			return nil
		}))).Config(actorhost.TypeConfig{MailboxSize: 3}))
	ref := troupe.GetOrCreate[counter](b.Client, "a")
	require.NoError(t, hold.Tell(t.Context(), ref, 1))
	<-entered
	for range 10 {
		require.NoError(t, hold.Tell(t.Context(), ref, 1))
	}
	require.Eventually(t, func() bool {
		return endpointStats(t, b, []*actorhost.Host{host}, "hold").NumErrors == 7
	}, 30*time.Second, 10*time.Millisecond)
	close(leave)
	awaitCount(t, ref, 4)
}

func TestTellRefusesWhatCannotBe(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, counters())
	ref := troupe.GetOrCreate[counter](b.Client, "a")
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	nc := b.Connect()
	away, err := client.New(nc, client.Config{})
	require.NoError(t, err)
	nc.Close()
	closed := b.NewClient(client.Config{})
	require.NoError(t, closed.Close(t.Context()))
	for name, one := range map[string]struct {
		tell func() error
		want error
	}{
		"no reference":      {func() error { return add.Tell(t.Context(), counter{}, 1) }, troupe.ErrBadInput},
		"no action":         {func() error { return b.Client.Actor("counter", "a").Tell(t.Context(), "no action", 1) }, troupe.ErrBadInput},
		"no input":          {func() error { return b.Client.Actor("counter", "a").Tell(t.Context(), "add", make(chan int)) }, troupe.ErrBadInput},
		"too large":         {func() error { return b.Client.Actor("counter", "a").Tell(t.Context(), "add", make([]byte, 2<<20)) }, troupe.ErrTooLarge},
		"canceled":          {func() error { return add.Tell(canceled, ref, 1) }, troupe.ErrCanceled},
		"a closed client":   {func() error { return add.Tell(t.Context(), troupe.GetOrCreate[counter](closed, "a"), 1) }, troupe.ErrUnavailable},
		"no connection":     {func() error { return add.Tell(t.Context(), troupe.GetOrCreate[counter](away, "a"), 1) }, troupe.ErrUnavailable},
		"and what is right": {func() error { return add.Tell(t.Context(), ref, 1) }, nil},
	} {
		require.ErrorIs(t, one.tell(), one.want, name)
	}
	awaitCount(t, ref, 1)
}

// An actor tells others with its turn: what it says when it says it, once the turn is stored, and nothing if it fails.
func TestActorTells(t *testing.T) {
	t.Parallel()
	type order struct {
		Times, Bytes int
		Fail, Keep   bool
	}
	spread := troupe.NewAction[Logbook, order, troupe.None]("spread")
	record := troupe.NewAction[Logbook, []int, troupe.None]("record")
	b := hosttest.Start(t, counters(), actorhost.Define(func() logbook { return logbook{} },
		actorhost.On(record, actorhost.NoOut(func(d *logbook, _ *actorhost.Context, n []int) error {
			d.Entries = append(d.Entries, entry{Text: fmt.Sprint(n)})
			return nil
		})),
		actorhost.On(ReadPage, actorhost.NoIn(func(d *logbook, _ *actorhost.Context) ([]entry, error) { return d.Entries, nil })),
		actorhost.On(spread, actorhost.NoOut(func(d *logbook, c *actorhost.Context, o order) error {
			if o.Keep {
				d.Fails++
			}
			numbers := []int{1, 2, 3}
			if err := record.Tell(c, troupe.GetOrCreate[Logbook](c, "other"), numbers); err != nil {
				return err
			}
			numbers[0] = 100
			for range o.Times {
				if err := add.Tell(c, troupe.GetOrCreate[counter](c, "a"), 1); err != nil {
					return err
				}
			}
			if o.Bytes > 0 {
				for range 100 {
					if err := c.Actor("counter", "a").Tell(c, "fail", strings.Repeat("x", o.Bytes)); err != nil {
						return err
					}
				}
			}
			if o.Fail {
				return errors.New("undone")
			}
			return nil
		}))))
	d, ref := logbookOf(b, "one"), troupe.GetOrCreate[counter](b.Client, "a")
	for _, failing := range []order{{Times: 5, Fail: true}, {Times: 1024}, {Bytes: 100 << 10}} {
		err := call(t.Context(), spread, d, failing)
		require.Error(t, err)
		if !failing.Fail {
			require.ErrorIs(t, err, troupe.ErrTooLarge)
		}
	}
	require.NoError(t, call(t.Context(), spread, d, order{Times: 1023}), "it changes nothing")
	awaitCount(t, ref, 1023)
	require.NoError(t, call(t.Context(), spread, d, order{Times: 3, Keep: true}))
	awaitCount(t, ref, 1026)
	noted := eventually(t, logbookOf(b, "other"), 2)
	require.Equal(t, "[1 2 3]", noted[0].Text)
}

// What a step of a workflow tells takes effect once, though the step is tried again.
func TestStepTells(t *testing.T) {
	t.Parallel()
	var tries atomic.Int64
	b := hosttest.Start(t, counters(), trips(func(w *actorhost.Flow[tripState], _ tripWish) (string, error) {
		return actorhost.Step(w, "tell", func(c *actorhost.StepContext) (string, error) {
			if err := add.Tell(c, troupe.GetOrCreate[counter](c, "a"), 1); err != nil {
				return "", err
			}
			if tries.Add(1) < 4 {
				return "", errors.New("not yet")
			}
			return "told", nil
		}, actorhost.Tries(5, time.Millisecond, time.Millisecond))
	}))
	trip, ref := troupe.GetOrCreate[Trip](b.Client, "a"), troupe.GetOrCreate[counter](b.Client, "a")
	require.NoError(t, BookTrip.Start(t.Context(), trip, tripWish{}))
	got, err := BookTrip.Result(t.Context(), trip)
	require.NoError(t, err)
	require.Equal(t, "told", got)
	require.NoError(t, add.Tell(t.Context(), ref, 100))
	awaitCount(t, ref, 101)
}
