package actorhost_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/micro"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/internal/wire"
)

// manifold is another type each time that it is asked.
type manifold struct{ troupe.Ref }

var manifolds atomic.Int64

func (manifold) ActorType() string { return manifoldType(manifolds.Add(1)) }

func manifoldType(n int64) string { return fmt.Sprintf("aTypeWithALongName%045d", n) }

var swell = troupe.NewAction[manifold, int, int]("swell")

// TestManyTypes has a host with more types than its lease, or a message, can name.
func TestManyTypes(t *testing.T) {
	t.Parallel()
	takesLong(t)
	const types = 6000
	b := hosttest.Start(t)
	definitions := make([]actorhost.Definition, types)
	for i := range definitions {
		definitions[i] = actorhost.Define(func() counterState { return counterState{} }, actorhost.On(swell, (*counterState).sell))
	}
	first := b.Host(definitions...)
	nc := b.Connect()
	for _, verb := range []string{"INFO", "STATS"} {
		reply, err := nc.Request("$SRV."+verb+".troupe."+first.ID(), nil, 10*time.Second)
		require.NoError(t, err, verb)
		require.LessOrEqual(t, int64(len(reply.Data)), nc.MaxPayload())
	}
	info := askService[micro.Info](t, nc, "$SRV.INFO.troupe."+first.ID())
	require.Regexp(t, `^\d+ endpoints$`, info.Metadata["left_out"])
	require.Less(t, len(info.Description), 1000)
	leases, err := leasesOf(t, b).All(t.Context())
	require.NoError(t, err)
	for _, lease := range leases {
		require.Less(t, len(lease.Types), 100)
		require.Equal(t, types, len(lease.Types)+lease.More)
	}
	last := manifoldType(types)
	id, err := troupe.NewID(last)
	require.NoError(t, err)
	require.NoError(t, b.Client.Invoke(t.Context(), troupe.Invocation{ID: id, Action: "swell", In: 1}))
	answer, err := nc.Request("troupe.host."+first.ID()+".type."+last, nil, 10*time.Second)
	require.NoError(t, err)
	var told wire.TypeInfo
	require.NoError(t, wire.DecodeBody(answer, &told))
	require.Contains(t, told.Actions, "swell")
}
