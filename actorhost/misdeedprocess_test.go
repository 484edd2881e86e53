package actorhost_test

import (
	"context"
	"log/slog"
	"slices"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/internal/bustest"
)

// A misdoer does the misdeed that it is told.
type misdoer struct{ troupe.Ref }

func (misdoer) ActorType() string { return "misdoer" }

var misdo = troupe.NewAction[misdoer, string, troupe.None]("misdo")

// runMisdoers runs a host of misdoers on the server that is its argument.
func runMisdoers(args []string, _ map[string]func() string) (end func() error, err error) {
	ctx, logger := context.Background(), slog.New(slog.DiscardHandler)
	nc, err := bus.Connect(ctx, bus.Config{URL: args[0], Logger: logger})
	if err != nil {
		return nil, err
	}
	host, err := actorhost.Start(ctx, nc, actorhost.Config{Logger: logger},
		actorhost.Define(func() counterState { return counterState{} },
			actorhost.On(misdo, actorhost.NoOut(func(s *counterState, _ *actorhost.Context, what string) error {
				s.Value++
				return misdeeds[what]()
			}))))
	if err != nil {
		return nil, err
	}
	return func() error { defer nc.Close(); return host.Stop(ctx) }, nil
}

// TestNoMisdeedWalksThroughTheHosts has three hosts in processes of their own. Nobody sends a call to the next host
// because it has ended one.
func TestNoMisdeedWalksThroughTheHosts(t *testing.T) {
	t.Parallel()
	url := bustest.Serve(t, &server.Options{JetStream: true, StoreDir: t.TempDir(), NoLog: true}).ClientURL()
	hosts := make([]*process, 3)
	for i := range hosts {
		hosts[i] = startProcess(t, "misdoers", url)
	}
	nc, err := bus.Connect(t.Context(), bus.Config{URL: url})
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	cl, err := client.New(nc, client.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, cl.Close(context.WithoutCancel(t.Context()))) })
	for what := range misdeeds {
		err := call(t.Context(), misdo, troupe.GetOrCreate[misdoer](cl, what), what)
		if slices.Contains(meansNoError, what) {
			require.NoError(t, err, what)
		} else {
			require.ErrorIs(t, err, troupe.ErrInternal, what)
		}
	}
	for _, host := range hosts {
		require.NotEmpty(t, host.order(t, "time"), "the process has ended")
		host.end(t)
	}
}
