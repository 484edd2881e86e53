package actorhost_test

import (
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/internal/bustest"
)

// TestStartWithoutJetStream: the error names the remedy.
func TestStartWithoutJetStream(t *testing.T) {
	t.Parallel()
	nc, err := bus.Connect(t.Context(), bus.Config{URL: bustest.Serve(t, new(server.Options)).ClientURL()})
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	_, err = actorhost.Start(t.Context(), nc, actorhost.Config{}, counters())
	require.ErrorContains(t, err, "actorhost: the NATS server has no JetStream for this account")
	require.ErrorContains(t, err, "nats-server -js")
}
