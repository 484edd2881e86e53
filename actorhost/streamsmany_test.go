//go:build !race

package actorhost_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/hosttest"
)

// TestStreamsAreLimited opens as many as an actor, and a host, may have: three times as many goroutines as the race detector can watch.
func TestStreamsAreLimited(t *testing.T) {
	t.Parallel()
	const ofActor, actors = 1000, 10
	b, ended := hosttest.Start(t), make(chan error, ofActor*actors+1)
	b.Host(modelThat(ended))
	r := newReader(t, b.Connect())
	open := func(key string) *nats.Msg {
		answer, err := r.nc.RequestMsg(&nats.Msg{
			Subject: "troupe.route.model." + key + ".words", Data: []byte(`{"Fail":"wait"}`),
			Header: nats.Header{"Troupe-Inbox": {r.sub.Subject}, "Content-Type": {"application/json"}},
		}, 5*time.Second)
		require.NoError(t, err)
		return answer
	}
	requireRefused := func(key, says string) {
		t.Helper()
		answer := open(key)
		require.Equal(t, "overloaded", answer.Header.Get("Troupe-Error-Code"))
		require.Contains(t, string(answer.Data), says)
	}
	var names []string
	opens := func(key string) {
		t.Helper()
		answer := open(key)
		require.Empty(t, answer.Header.Get("Troupe-Error-Code"), string(answer.Data))
		names = append(names, "")
		require.NoError(t, json.Unmarshal(answer.Data, &names[len(names)-1]))
	}
	for i := range ofActor * actors {
		opens(fmt.Sprint(i / ofActor))
	}
	requireRefused("0", "produces 1000 streams already")
	requireRefused("more", "the host produces 10000 streams already")
	require.NoError(t, r.nc.Publish(names[0]+".1", []byte("-")))
	require.ErrorIs(t, <-ended, troupe.ErrCanceled)
	require.Eventually(t, func() bool { // it ends a moment later
		return open("0").Header.Get("Troupe-Error-Code") == ""
	}, 5*time.Second, 10*time.Millisecond)
}
