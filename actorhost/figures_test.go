package actorhost_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/internal/wire"
)

// askHost asks a host something, in JSON.
func askHost[T any](t *testing.T, nc *nats.Conn, host *actorhost.Host, what string, with any) (answer T) {
	t.Helper()
	msg := &nats.Msg{Subject: "troupe.host." + host.ID() + "." + what, Header: nats.Header{"Content-Type": {"application/json"}}}
	if with != nil {
		var err error
		msg.Data, err = json.Marshal(with)
		require.NoError(t, err)
	}
	reply, err := nc.RequestMsg(msg, 10*time.Second)
	require.NoError(t, err)
	require.Empty(t, reply.Header.Get("Troupe-Error-Code"), string(reply.Data))
	require.NoError(t, json.Unmarshal(reply.Data, &answer), string(reply.Data))
	return answer
}

func turnFigures(t *testing.T, f wire.HostFigures, kind wire.TurnKind, name string) wire.TurnFigures {
	t.Helper()
	for _, one := range f.Turns {
		if one.Kind == kind && one.Name == name {
			return one
		}
	}
	require.Fail(t, "no figures", "%s %s in %+v", kind, name, f.Turns)
	return wire.TurnFigures{}
}

// stuck is an actor type whose action ends when the test says so.
type stuck struct{ troupe.Ref }

func (stuck) ActorType() string { return "stuck" }

var hang = troupe.NewAction[stuck, troupe.None, troupe.None]("hang")

func stuckActors(until <-chan struct{}) actorhost.Definition {
	return actorhost.Define(func() struct{} { return struct{}{} },
		actorhost.On(hang, actorhost.NoInNoOut(func(*struct{}, *actorhost.Context) error { waitUntil(until); return nil })))
}

// waitUntil is a frame to be found in a stack.
func waitUntil(until <-chan struct{}) { <-until }

func TestAStuckActionIsSeen(t *testing.T) {
	t.Parallel()
	until, b := make(chan struct{}), hosttest.Start(t)
	host, nc := b.Host(stuckActors(until), counters()), b.Connect()
	require.NoError(t, call(t.Context(), add, troupe.GetOrCreate[counter](b.Client, "busy"), 1))
	done := make(chan error, 1)
	go func() {
		done <- call(troupe.WithRequestID(t.Context(), "order-17"), hang, troupe.GetOrCreate[stuck](b.Client, "a", "b c"), nil)
	}()
	defer func() { close(until); require.NoError(t, <-done) }()
	actor := "stuck.a.b=20c"
	running := func() *wire.RunningTurn { return askHost[wire.ActorInfo](t, nc, host, "info."+actor, nil).Running }
	require.Eventually(t, func() bool { return running() != nil && running().Kind == wire.TurnAction }, 10*time.Second, time.Millisecond)

	for what, got := range map[string]*wire.RunningTurn{
		"actor": running(), "host": askHost[wire.HostInfo](t, nc, host, "info", nil).Oldest,
		"figures": askHost[wire.HostFigures](t, nc, host, "figures", nil).Oldest,
		"awake":   askHost[wire.AwakePage](t, nc, host, "awake", wire.AwakeQuery{Type: "stuck"}).Actors[0].Running,
	} {
		require.NotNil(t, got, what)
		require.Equal(t, []string{actor, "action", "hang", "order-17"}, []string{got.Actor, string(got.Kind), got.Name, got.RequestID}, what)
		require.WithinDuration(t, time.Now(), time.UnixMilli(got.Since), 30*time.Second, what)
	}
	long, longer := int64(1), time.Hour.Milliseconds()
	require.Eventually(t, func() bool {
		page := askHost[wire.AwakePage](t, nc, host, "awake", wire.AwakeQuery{Longer: &long})
		return len(page.Actors) == 1 && page.Actors[0].Actor == actor && page.Actors[0].Running.For >= 1
	}, 10*time.Second, time.Millisecond)
	require.Empty(t, askHost[wire.AwakePage](t, nc, host, "awake", wire.AwakeQuery{Longer: &longer}).Actors)
	require.Empty(t, askHost[wire.AwakePage](t, nc, host, "awake", wire.AwakeQuery{Longer: &long, Type: "counter"}).Actors)

	stack := askHost[wire.ActorStack](t, nc, host, "stack."+actor, nil)
	require.Len(t, stack.Running, 1)
	require.Contains(t, stack.Running[0].Stack, "actorhost_test.waitUntil(")
	require.Contains(t, stack.Running[0].Stack, "chan receive")
	require.Empty(t, askHost[wire.ActorStack](t, nc, host, "stack.counter.busy", nil).Running)
	require.Nil(t, askHost[wire.ActorInfo](t, nc, host, "info.counter.busy", nil).Running)
}

// A call that waits for another one is slow for its caller, though its own action takes no time.
func TestWaitsAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := hosttest.Start(t)
		host, nc := b.Host(counters()), b.Connect()
		ref := troupe.GetOrCreate[counter](b.Client, "a")
		require.NoError(t, call(t.Context(), add, ref, 1))
		first := make(chan error, 1)
		go func() { first <- call(t.Context(), slow, ref, 3*time.Second) }()
		synctest.Wait()
		require.NoError(t, call(t.Context(), get, ref, nil))
		require.NoError(t, <-first)
		f := askHost[wire.HostFigures](t, nc, host, "figures", nil)
		got, slept := turnFigures(t, f, wire.TurnAction, "get"), turnFigures(t, f, wire.TurnAction, "slow")
		require.InEpsilon(t, 3.0, got.Wait.Seconds, 0.001)
		require.InEpsilon(t, 3.0, got.Total.Seconds, 0.001)
		require.Zero(t, got.Run.Seconds)
		require.InEpsilon(t, 3.0, got.Wait.Quantile(0.99).Seconds(), 0.1)
		require.InEpsilon(t, 3.0, slept.Run.Seconds, 0.001)
		require.Equal(t, int64(1), slept.Total.Count)
		require.GreaterOrEqual(t, f.Stored.Count, int64(2), "two turns have changed something, and the answer to get may wait for one of them")
		require.Equal(t, int64(1), f.Woken["created"].Count)
		recent := askHost[wire.HostRecent](t, nc, host, "recent", nil)
		require.Len(t, recent.Slow, 2)
		require.Equal(t, "get", recent.Slow[0].Name)
		require.InEpsilon(t, 3000.0, recent.Slow[0].Wait, 0.001)
		require.Equal(t, "slow", recent.Slow[1].Name)
	})
}

func TestErrorsOfActorsAndOfHostsAreToldApart(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	host, nc := b.Host(counters()), b.Connect()
	ref := troupe.GetOrCreate[counter](b.Client, "a")
	for _, how := range []string{"user", "user", "panic", "anything"} {
		require.Error(t, call(troupe.WithRequestID(t.Context(), "as-"+how), fail, ref, how))
	}
	require.ErrorIs(t, call(t.Context(), get, troupe.Get[counter](b.Client, "nobody"), nil), troupe.ErrNotFound)
	for i := range 150 { // more than are kept
		require.Error(t, call(t.Context(), fail, ref, "user"), i)
	}
	f := askHost[wire.HostFigures](t, nc, host, "figures", nil)
	failed := turnFigures(t, f, wire.TurnAction, "fail")
	require.Equal(t, map[string]int64{"internal": 2}, failed.Errors)
	require.Equal(t, map[string]int64{"refused": 152}, failed.Own)
	require.Equal(t, map[string]int64{"not_found": 1}, turnFigures(t, f, wire.TurnAction, "get").Errors)
	info := askHost[wire.HostInfo](t, nc, host, "info", nil)
	require.Equal(t, map[string]int64{"internal": 2, "not_found": 1}, info.Errors)
	require.Equal(t, map[string]int64{"refused": 152}, info.Own)
	require.Equal(t, map[string]int{"counter": 1}, info.Types)

	recent := askHost[wire.HostRecent](t, nc, host, "recent", nil)
	require.Len(t, recent.Own, 100)
	require.Len(t, recent.Failed, 3, "errors of actors push out none of hosts")
	require.Equal(t, "not_found", recent.Failed[0].Code)
	require.Equal(t, "counter.nobody", recent.Failed[0].Actor)
	require.Equal(t, []string{"counter.a", "fail", "as-anything", "internal"},
		[]string{recent.Failed[1].Actor, recent.Failed[1].Name, recent.Failed[1].RequestID, recent.Failed[1].Code})
	require.Contains(t, recent.Own[0].Error, "we do not like it")

	stats := askService[micro.Stats](t, nc, "$SRV.STATS.troupe."+host.ID())
	for _, endpoint := range stats.Endpoints {
		if endpoint.Name == "counter-fail" {
			require.Contains(t, string(endpoint.Data), `"errors":{"internal":2},"own_errors":{"refused":152},"total_ms":{"p50":`)
		}
	}
}

func TestAwakeActorsAreListedInPages(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	host, nc := b.Host(counters(), stuckActors(nil), echoes()), b.Connect()
	const all = 53
	for i := range all {
		require.NoError(t, call(t.Context(), get, troupe.GetOrCreate[counter](b.Client, fmt.Sprint(i)), nil))
	}
	require.NoError(t, call(t.Context(), echoIt, troupe.GetOrCreate[echo](b.Client), nil))
	for _, limit := range []int{1, 7, all, all + 1, 0} {
		listed := make(map[string]int)
		for q := (wire.AwakeQuery{Limit: limit}); ; {
			page := askHost[wire.AwakePage](t, nc, host, "awake", q)
			for _, a := range page.Actors {
				listed[a.Actor]++
			}
			if q.Next = page.Next; q.Next == "" {
				break
			}
			require.Len(t, page.Actors, limit)
		}
		require.Len(t, listed, all+1, limit)
		require.Equal(t, 1, listed["echo"])
	}

	// An actor that goes away while somebody reads on hides no other.
	page := askHost[wire.AwakePage](t, nc, host, "awake", wire.AwakeQuery{Type: "counter", Limit: 10})
	gone := page.Actors[3].Actor
	_, err := nc.Request("troupe.route."+gone+"._sleep", nil, 10*time.Second)
	require.NoError(t, err)
	_, err = nc.Request("troupe.route.counter.0._sleep", nil, 10*time.Second)
	require.NoError(t, err)
	listed := make(map[string]bool)
	for page.Next != "" {
		page = askHost[wire.AwakePage](t, nc, host, "awake", wire.AwakeQuery{Type: "counter", Limit: 10, Next: page.Next})
		for _, a := range page.Actors {
			listed[a.Actor] = true
		}
	}
	for i := 1; i < all-10; i++ {
		require.True(t, listed[fmt.Sprint("counter.", i)], i)
	}
	reply, err := nc.Request("troupe.host."+host.ID()+".awake", []byte(`{"next":"x"}`), 10*time.Second)
	require.NoError(t, err)
	require.Equal(t, "bad_input", reply.Header.Get("Troupe-Error-Code"))
}
