package actorhost_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/internal/bustest"
)

// A bomb ends its host whenever it handles "boom", however that comes.
type bomb struct{ troupe.Ref }

func (bomb) ActorType() string { return "bomb" }

// A wire has bombs hear of things.
type wireOf struct{ troupe.Ref }

func (wireOf) ActorType() string { return "wire" }

type bombState struct {
	Handled []string
	Missed  int
}

var (
	bombQueue   = troupe.NewQueue[bomb, string]("queue")
	bombInOrder = troupe.NewQueueInOrder[bomb, string]("inOrder")
	bombRuns    = troupe.NewAction[bomb, string, troupe.None]("run")
	bombPlan    = troupe.NewAction[bomb, string, troupe.None]("plan")
	bombFollow  = troupe.NewAction[bomb, string, troupe.None]("follow")
	bombLook    = troupe.NewAction[bomb, troupe.None, bombState]("state")
	wireSend    = troupe.NewAction[wireOf, string, troupe.None]("send")
	wireSent    = troupe.NewDurableEvent[wireOf, string]("sent")
)

// bombs are types of which a bomb calls boom; it does not return.
func bombs(boom func(c *actorhost.Context) error, retries actorhost.Retries) []actorhost.Definition {
	handle := func(s *bombState, c *actorhost.Context, text string) error {
		if text == "boom" {
			return boom(c)
		}
		s.Handled = append(s.Handled, text)
		return nil
	}
	return []actorhost.Definition{
		actorhost.Define(func() bombState { return bombState{} },
			actorhost.OnQueue(bombQueue, handle, retries), actorhost.OnQueue(bombInOrder, handle, retries),
			actorhost.On(bombRuns, actorhost.NoOut(handle)),
			actorhost.On(bombPlan, actorhost.NoOut(func(_ *bombState, c *actorhost.Context, text string) error {
				_, err := bombRuns.After(c, time.Second, text)
				return err
			})),
			actorhost.On(bombFollow, actorhost.NoOut(func(_ *bombState, c *actorhost.Context, key string) error {
				return wireSent.SubscribeDurable(c, troupe.GetOrCreate[wireOf](c, key))
			})),
			actorhost.On(bombLook, actorhost.NoIn(func(s *bombState, _ *actorhost.Context) (bombState, error) { return *s, nil })),
		).OnEvents(actorhost.OnEvent(wireSent, handle)).OnGap(func(s *bombState, _ *actorhost.Context, _ troupe.Gap) error {
			s.Missed++
			return nil
		}),
		actorhost.Define(func() struct{} { return struct{}{} },
			actorhost.On(wireSend, actorhost.NoOut(func(_ *struct{}, c *actorhost.Context, text string) error { return wireSent.Broadcast(c, text) }))),
	}
}

// bombSquad has a host at any time, as one ends the next starts.
type bombSquad struct {
	*hosttest.Bus

	t     *testing.T
	ended chan string
	host  *actorhost.Host
	kinds []actorhost.Definition
}

func startBombs(t *testing.T) *bombSquad {
	t.Helper()
	s := &bombSquad{Bus: hosttest.Start(t), t: t, ended: make(chan string)}
	s.kinds = bombs(func(c *actorhost.Context) error { s.ended <- c.HostID(); <-c.Done(); return c.Err() }, actorhost.Retries{})
	s.host = s.Host(s.kinds...)
	return s
}

// endings returns how many hosts end before none does for a while.
func (s *bombSquad) endings() (n int) {
	for {
		select {
		case id := <-s.ended:
			if id != s.host.ID() { // which was ended by another at the same time
				continue
			}
			s.Kill(s.host)
			s.host = s.Host(s.kinds...)
			n++
			require.Less(s.t, n, 20)
		case <-time.After(2 * time.Minute):
			return n
		}
	}
}

// endsHosts is how many hosts end before something is given up: the first is not counted.
const endsHosts = 6

// TestNothingEndsAllHosts: what ends its host whenever it runs is given up, and what is behind it goes on.
func TestNothingEndsAllHosts(t *testing.T) {
	const reason = "its handler has ended its host 5 times"
	for name, test := range map[string]struct {
		begin func(t *testing.T, s *bombSquad, at bomb)
		ended func(t *testing.T, s *bombSquad, at bomb)
	}{
		"queue": {func(t *testing.T, _ *bombSquad, at bomb) {
			t.Helper()
			require.NoError(t, bombQueue.Push(t.Context(), at, "boom"))
		}, func(t *testing.T, _ *bombSquad, at bomb) {
			t.Helper()
			requireDead(t, bombQueue, at, reason)
			require.NoError(t, bombQueue.Push(t.Context(), at, "fine"))
		}},
		"queue in order": {func(t *testing.T, _ *bombSquad, at bomb) {
			t.Helper()
			for _, text := range []string{"before", "boom", "fine"} {
				require.NoError(t, bombInOrder.Push(t.Context(), at, text))
			}
		}, func(t *testing.T, _ *bombSquad, at bomb) { t.Helper(); requireDead(t, bombInOrder, at, reason) }},
		"schedule": {func(t *testing.T, _ *bombSquad, at bomb) {
			t.Helper()
			require.NoError(t, call(t.Context(), bombPlan, at, "boom"))
		}, func(t *testing.T, _ *bombSquad, at bomb) {
			t.Helper()
			listed, err := troupe.SchedulerOf(t.Context(), at).Schedules()
			require.NoError(t, err)
			require.Len(t, listed, 1)
			require.True(t, listed[0].Parked)
			require.Equal(t, reason, listed[0].Error)
			require.NoError(t, call(t.Context(), bombPlan, at, "fine"))
		}},
		"event": {func(t *testing.T, s *bombSquad, at bomb) {
			t.Helper()
			require.NoError(t, call(t.Context(), bombFollow, at, "a"))
			for _, text := range []string{"before", "boom", "fine"} {
				require.NoError(t, call(t.Context(), wireSend, troupe.GetOrCreate[wireOf](s.Client, "a"), text))
			}
		}, func(t *testing.T, _ *bombSquad, at bomb) {
			t.Helper()
			got, err := bombLook.Call(t.Context(), at, nil)
			require.NoError(t, err)
			require.Equal(t, 1, got.Missed)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := startBombs(t)
				at := troupe.GetOrCreate[bomb](s.Client, "a")
				go test.begin(t, s, at)
				require.InDelta(t, endsHosts, s.endings(), 1, "of several events, a new one may have it run unnoted once more")
				test.ended(t, s, at)
				require.Zero(t, s.endings())
				got, err := bombLook.Call(t.Context(), at, nil)
				require.NoError(t, err)
				require.Equal(t, "fine", got.Handled[len(got.Handled)-1])
			})
		})
	}
}

func requireDead(t *testing.T, q troupe.Queue[bomb, string], at bomb, reason string) {
	t.Helper()
	n := 0
	for letter, err := range q.Dead(t.Context(), at) {
		require.NoError(t, err)
		require.Equal(t, "boom", letter.Message)
		require.Equal(t, reason, letter.Error)
		n++
	}
	require.Equal(t, 1, n)
}

// TestHostsEndForOtherReasons: what is under way, and is not to blame, is handled, however many hosts end meanwhile one after the
// other with another message.
func TestHostsEndForOtherReasons(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startBombs(t)
		for i := range 20 {
			at := troupe.GetOrCreate[bomb](s.Client, fmt.Sprint(i))
			if i%7 == 3 {
				require.NoError(t, bombQueue.Push(t.Context(), at, "boom"))
			}
			require.NoError(t, bombQueue.Push(t.Context(), at, "fine"))
		}
		require.GreaterOrEqual(t, s.endings(), endsHosts)
		for i := range 20 {
			got, err := bombLook.Call(t.Context(), troupe.GetOrCreate[bomb](s.Client, fmt.Sprint(i)), nil)
			require.NoError(t, err)
			require.Equal(t, []string{"fine"}, got.Handled, i)
		}
	})
}

// runBombs runs a host of bombs on the server that is its argument.
func runBombs(args []string, _ map[string]func() string) (end func() error, err error) {
	ctx, logger := context.Background(), slog.New(slog.DiscardHandler)
	nc, err := bus.Connect(ctx, bus.Config{URL: args[0], Logger: logger})
	if err != nil {
		return nil, err
	}
	host, err := actorhost.Start(ctx, nc, actorhost.Config{Logger: logger, Lease: time.Second},
		bombs(func(*actorhost.Context) error { os.Exit(3); return nil }, actorhost.Retries{Hosts: 1})...)
	if err != nil {
		return nil, err
	}
	return func() error { defer nc.Close(); return host.Stop(ctx) }, nil
}

// TestMessageEndsProcesses has a message end the processes of its hosts, which are started again as a supervisor does.
func TestMessageEndsProcesses(t *testing.T) {
	t.Parallel()
	takesLong(t)
	url := bustest.Serve(t, &server.Options{JetStream: true, StoreDir: t.TempDir(), NoLog: true}).ClientURL()
	nc, err := bus.Connect(t.Context(), bus.Config{URL: url})
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	cl, err := client.New(nc, client.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, cl.Close(context.WithoutCancel(t.Context()))) })
	at := troupe.GetOrCreate[bomb](cl, "a")
	host := startProcess(t, "bombs", url)
	require.NoError(t, bombQueue.Push(t.Context(), at, "boom"))
	for range 2 {
		require.ErrorContains(t, host.command.Wait(), "exit status 3")
		host.input = nil // it has ended
		host = startProcess(t, "bombs", url)
	}
	require.Eventually(t, func() bool {
		for letter, err := range bombQueue.Dead(t.Context(), at) {
			return err == nil && letter.Error == "its handler has ended its host 1 times"
		}
		return false
	}, 30*time.Second, 20*time.Millisecond)
	require.NoError(t, bombQueue.Push(t.Context(), at, "fine"))
	require.Eventually(t, func() bool {
		got, err := bombLook.Call(t.Context(), at, nil)
		return err == nil && len(got.Handled) == 1
	}, 30*time.Second, 20*time.Millisecond)
	host.end(t)
}
