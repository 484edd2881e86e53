package store

import (
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/internal/bustest"
	"github.com/troupe-go/troupe/internal/wire"
)

// In a cluster the one that leads is asked for what others do not have.
func TestListAsksTheLeader(t *testing.T) {
	t.Parallel()
	nc, err := nats.Connect(strings.Join(bustest.Cluster(t), ","))
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	records, err := OpenRecords(t.Context(), nc, ns, Settings{Replicas: 3})
	require.NoError(t, err)
	subject := records.bucket.prefix + "room.a"
	_, err = nc.Request(subject, []byte("x"), readTimeout)
	require.NoError(t, err)
	asked, err := nc.SubscribeSync(askLeader + records.bucket.name())
	require.NoError(t, err)
	found, err := records.bucket.lastOfAll(t.Context(), []string{subject, records.bucket.prefix + "room.gone"})
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.Equal(t, subject, found[0].Subject)
	msg, err := asked.NextMsg(readTimeout)
	require.NoError(t, err)
	require.Contains(t, string(msg.Data), "room.gone")
}
