package actorhost_test

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/client"
)

type belfry struct{ troupe.Ref }

func (belfry) ActorType() string { return "belfry" }

var (
	toll   = troupe.NewAction[belfry, string, string]("toll")
	tolled = troupe.NewEvent[belfry, int]("tolled")
)

type belfryState struct{ Tolls int }

// belfries call themselves, through a client of the program, and hand out their Context.
func belfries(c func() *client.Client, leaked *[]*actorhost.Context) actorhost.Definition {
	return actorhost.Define(func() belfryState { return belfryState{} },
		actorhost.On(toll, func(s *belfryState, ctx *actorhost.Context, how string) (string, error) {
			s.Tolls++
			switch how {
			case "by a client":
				return toll.Call(ctx, troupe.GetOrCreate[belfry](c(), ctx.Key()...), "again")
			case "by a client, later":
				soon, cancel := context.WithTimeout(ctx, time.Minute)
				defer cancel()
				return toll.Call(soon, troupe.GetOrCreate[belfry](c(), ctx.Key()...), "again")
			}
			*leaked = append(*leaked, ctx)
			return "", nil
		}))
}

func TestCallsOfAnyClientInATurnAreOfItsChain(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	var mine, other *client.Client
	var leaked []*actorhost.Context
	b.Host(belfries(func() *client.Client { return mine }, &leaked))
	mine, other = b.Client, b.NewClient(client.Config{Namespace: "elsewhere"})
	for _, how := range []string{"by a client", "by a client, later"} {
		_, err := toll.Call(t.Context(), troupe.GetOrCreate[belfry](b.Client, how), how)
		require.ErrorIs(t, err, troupe.ErrCallCycle, how)
	}
	b.HostWith(actorhost.Config{Namespace: "elsewhere"}, belfries(func() *client.Client { return other }, &leaked))
	mine = other
	_, err := toll.Call(t.Context(), troupe.GetOrCreate[belfry](b.Client, "a"), "by a client")
	require.NoError(t, err, "an actor of that name in another namespace is another one")
}

func TestAContextSaysThatItsTurnHasEnded(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	var leaked []*actorhost.Context
	var log lockedBuffer
	b.HostWith(actorhost.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}, belfries(nil, &leaked))
	ref := troupe.GetOrCreate[belfry](b.Client, "a")
	_, err := toll.Call(t.Context(), ref, "")
	require.NoError(t, err)
	c := leaked[0]
	_, subscribed := tolled.Subscribe(c, troupe.GetOrCreate[belfry](c, "b"), func(context.Context, int) error { return nil })
	_, called := toll.Call(c, troupe.GetOrCreate[belfry](c, "b"), "")
	for what, err := range map[string]error{"broadcast": tolled.Broadcast(c, 1), "subscribe": subscribed, "call": called} {
		require.ErrorContains(t, err, "the turn has ended", what)
	}
	require.ErrorIs(t, c.Err(), context.Canceled)
	c.Destroy()
	require.Contains(t, log.String(), "method=Destroy")
	_, err = toll.Call(t.Context(), troupe.Get[belfry](b.Client, "a"), "")
	require.NoError(t, err, "it is not destroyed")
}

type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}
