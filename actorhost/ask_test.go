package actorhost_test

import (
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// ask makes a request of a host and returns its answer.
func ask(t *testing.T, nc *nats.Conn, subject, contentType string) *nats.Msg {
	t.Helper()
	request := nats.NewMsg(subject)
	if contentType != "" {
		request.Header.Set(wire.HeaderContentType, contentType)
	}
	answer, err := nc.RequestMsg(request, 10*time.Second)
	require.NoError(t, err)
	return answer
}

func TestHostTellsOfItself(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	host, nc := b.Host(counters()), b.Connect()
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	a := troupe.GetOrCreate[counter](b.Client, "x", "1")
	require.NoError(t, call(t.Context(), add, a, 1))
	require.NoError(t, call(t.Context(), add, a, 1))
	require.Error(t, b.Client.Actor("counter", "x", "1").Call(t.Context(), "fail", "now", nil))
	require.ErrorIs(t, b.Client.Actor("counter", "b").Existing().Call(t.Context(), "get", nil, nil), troupe.ErrNotFound)

	var info wire.HostInfo
	answer := ask(t, nc, ns.Info(host.ID()), "application/json")
	require.NoError(t, json.Unmarshal(answer.Data, &info))
	require.Equal(t, "application/json", answer.Header.Get(wire.HeaderContentType))
	awake := info.Awake // the actor that was not found may not have left yet
	want := wire.HostInfo{
		ID: host.ID(), Awake: awake, Calls: 4, Failed: 2, Types: map[string]int{"counter": awake},
		Errors: map[string]int64{"internal": 1, "not_found": 1}, Own: info.Own,
	}
	require.Equal(t, want, info)
	require.Eventually(t, func() bool { return host.Active() == 1 }, 10*time.Second, time.Millisecond)
	require.NoError(t, codec.MsgPack.Unmarshal(ask(t, nc, ns.Info(host.ID()), "").Data, &info))
	want.Awake, want.Types = 1, map[string]int{"counter": 1}
	require.Equal(t, want, info)
	require.NotEmpty(t, ask(t, nc, ns.Info(host.ID()), "text/plain").Header.Get(wire.HeaderErrorCode))

	var actor wire.ActorInfo
	require.NoError(t, codec.MsgPack.Unmarshal(ask(t, nc, ns.ActorInfo(host.ID(), a.ID()), "").Data, &actor))
	require.Equal(t, wire.ActorInfo{Awake: true}, actor)
	require.NoError(t, b.Client.Invoke(t.Context(), troupe.Invocation{ID: a.ID(), Action: troupe.SleepAction}))
	require.Eventually(t, func() bool { return host.Active() == 0 }, 10*time.Second, time.Millisecond)
	require.JSONEq(t, `{"awake":false,"waiting":0}`, string(ask(t, nc, ns.ActorInfo(host.ID(), a.ID()), "application/json").Data))
	require.Equal(t, "bad_input", ask(t, nc, "troupe.host."+host.ID()+".fly", "").Header.Get(wire.HeaderErrorCode))
}

func TestDrain(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	nc := b.Connect()
	leases, err := store.OpenHosts(t.Context(), nc, ns, store.Settings{})
	require.NoError(t, err)
	ended := make(chan error, 1)
	running := b.Connect()
	go func() {
		ended <- actorhost.Run(t.Context(), running, actorhost.Config{Logger: slog.New(slog.DiscardHandler)}, counters())
	}()
	a := troupe.GetOrCreate[counter](b.Client, "a")
	var at where
	require.Eventually(t, func() bool { at, err = whereIs.Call(t.Context(), a, nil); return err == nil }, 10*time.Second, time.Millisecond)
	require.NoError(t, call(t.Context(), add, a, 1))
	stays := b.Host(counters())

	require.Empty(t, ask(t, nc, ns.Drain(at.Host), "").Header)
	require.NoError(t, nc.Publish(ns.Drain(at.Host), nil), "once more does no harm")
	require.NoError(t, <-ended, "Run returns")
	_, up, err := leases.Revision(t.Context(), at.Host)
	require.NoError(t, err)
	require.False(t, up, "its lease is given back")
	require.NoError(t, call(t.Context(), add, a, 1))
	at, err = whereIs.Call(t.Context(), a, nil)
	require.NoError(t, err)
	require.Equal(t, stays.ID(), at.Host)

	select {
	case <-stays.Done():
		t.Fatal("nobody has asked it to stop")
	default:
	}
	ask(t, nc, ns.Drain(stays.ID()), "")
	<-stays.Done()
	require.NoError(t, stays.Stop(t.Context()), "as it went")
	require.Zero(t, stays.Active())
}
