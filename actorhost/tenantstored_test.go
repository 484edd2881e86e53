package actorhost_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/wire"
)

// A warehouse belongs to the tenant that its key begins with. It keeps much in its state, and in boxes.
type warehouse struct{ troupe.Ref }

func (warehouse) ActorType() string { return "warehouse" }

type warehouseState struct {
	Heap  []byte                        `json:"heap"`
	Boxes actorhost.Map[string, []byte] `json:"boxes"`
}

type box struct {
	Name string `json:"name"`
	Size int    `json:"size"`
}

var (
	heapUp    = troupe.NewAction[warehouse, int, troupe.None]("heapUp") // the heap has so many bytes from then on
	heapSize  = troupe.NewAction[warehouse, troupe.None, int]("heapSize")
	putBox    = troupe.NewAction[warehouse, box, troupe.None]("putBox")
	takeBox   = troupe.NewAction[warehouse, string, troupe.None]("takeBox")
	tearDown  = troupe.NewAction[warehouse, troupe.None, troupe.None]("tearDown")
	heapLater = troupe.NewQueue[warehouse, int]("heapLater")
)

func warehouses() actorhost.Definition {
	heap := actorhost.NoOut(func(s *warehouseState, _ *actorhost.Context, size int) error { s.Heap = make([]byte, size); return nil })
	return actorhost.Define(func() warehouseState { return warehouseState{} },
		actorhost.On(heapUp, heap),
		actorhost.OnQueue(heapLater, func(s *warehouseState, _ *actorhost.Context, size int) error { s.Heap = make([]byte, size); return nil }),
		actorhost.On(heapSize, actorhost.NoIn(func(s *warehouseState, _ *actorhost.Context) (int, error) { return len(s.Heap), nil })),
		actorhost.On(putBox, actorhost.NoOut(func(s *warehouseState, c *actorhost.Context, b box) error {
			return s.Boxes.Set(c, b.Name, make([]byte, b.Size))
		})),
		actorhost.On(takeBox, actorhost.NoOut(func(s *warehouseState, c *actorhost.Context, name string) error { return s.Boxes.Delete(c, name) })),
		actorhost.On(tearDown, actorhost.NoInNoOut(func(_ *warehouseState, c *actorhost.Context) error { c.Destroy(); return nil })))
}

// storedLimit is how much a tenant may store in these tests, and counted how long it takes until all hosts know a new count.
const (
	storedLimit = 200_000
	counted     = 2*time.Minute + time.Second
)

func startStored(t *testing.T) (*hosttest.Bus, *actorhost.Host) {
	t.Helper()
	b := hosttest.Start(t)
	host := b.HostWith(actorhost.Config{Tenants: actorhost.Tenants{Stored: storedLimit}}, warehouses())
	time.Sleep(counted) //nolint:forbidigo // virtual time: what is stored during a count may count twice until the next
	return b, host
}

func warehouseOf(b *hosttest.Bus, tenant string, i int) warehouse {
	return troupe.GetOrCreate[warehouse](b.Client, tenant, fmt.Sprint(i))
}

func requireNoRoom(t *testing.T, err error) {
	t.Helper()
	require.ErrorIs(t, err, troupe.ErrOverloaded)
	require.ErrorContains(t, err, `the tenant "greedy"`)
	require.ErrorContains(t, err, "(Tenants.Stored)")
}

// storedBy is what a host says that a tenant stores.
func storedBy(t *testing.T, b *hosttest.Bus, host *actorhost.Host, tenant string) int64 {
	t.Helper()
	reply, err := b.Connect().Request("troupe.host."+host.ID()+".info", nil, 10*time.Second)
	require.NoError(t, err)
	var info wire.HostInfo
	require.NoError(t, codec.MsgPack.Unmarshal(reply.Data, &info))
	for _, one := range info.Tenants {
		if one.Tenant == tenant {
			return one.Stored
		}
	}
	return 0
}

// fillWarehouses fills warehouses of the greedy tenant until it may store no more, and returns how many are full.
func fillWarehouses(t *testing.T, b *hosttest.Bus) (full int) {
	t.Helper()
	for ; ; full++ {
		require.Less(t, full, 100)
		if err := call(t.Context(), heapUp, warehouseOf(b, "greedy", full), 30_000); err != nil {
			requireNoRoom(t, err)
			return full
		}
	}
}

// TestTenantsStored: what would be too much is refused, also by hosts that have stored none of it, and what needs no more goes on.
func TestTenantsStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, first := startStored(t)
		full := fillWarehouses(t, b)
		require.Equal(t, 6, full)
		// What else makes more of it is refused.
		requireNoRoom(t, call(t.Context(), putBox, warehouseOf(b, "greedy", 0), box{"a", 30_000}))
		requireNoRoom(t, call(t.Context(), heapUp, warehouseOf(b, "greedy", 0), 60_000))
		size, err := heapSize.Call(t.Context(), warehouseOf(b, "greedy", 0), nil)
		require.NoError(t, err)
		require.Equal(t, 30_000, size)
		require.NoError(t, call(t.Context(), heapUp, warehouseOf(b, "other", 0), 60_000))

		// A host that is new knows what the first has counted, once it has.
		time.Sleep(counted) //nolint:forbidigo // virtual time
		require.InDelta(t, 30_000*full, storedBy(t, b, first, "greedy"), 3_000)
		second := b.HostWith(actorhost.Config{Tenants: actorhost.Tenants{Stored: storedLimit}}, warehouses())
		b.Stop(first)
		require.InDelta(t, 30_000*full, storedBy(t, b, second, "greedy"), 3_000)
		requireNoRoom(t, call(t.Context(), heapUp, warehouseOf(b, "greedy", 0), 60_000))
		size, err = heapSize.Call(t.Context(), warehouseOf(b, "greedy", 0), nil)
		require.NoError(t, err)
		require.Equal(t, 30_000, size)

		// Less makes room: in the state, and by an actor that goes.
		require.NoError(t, call(t.Context(), heapUp, warehouseOf(b, "greedy", 0), 100))
		require.NoError(t, call(t.Context(), tearDown, warehouseOf(b, "greedy", 1), nil))
		require.NoError(t, call(t.Context(), heapUp, warehouseOf(b, "greedy", 2), 80_000))
		requireNoRoom(t, call(t.Context(), heapUp, warehouseOf(b, "greedy", 2), 120_000))
	})
}

// TestTenantsStoredInItems: items count, once each however often they are set, and make room when they are deleted.
func TestTenantsStoredInItems(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, host := startStored(t)
		at := warehouseOf(b, "greedy", 1)
		for range 20 {
			require.NoError(t, call(t.Context(), putBox, at, box{"a", 30_000}))
		}
		for i := range 4 {
			require.NoError(t, call(t.Context(), putBox, at, box{fmt.Sprint(i), 30_000}))
		}
		time.Sleep(counted) //nolint:forbidigo // virtual time
		require.InDelta(t, 5*30_000, storedBy(t, b, host, "greedy"), 3_000)
		requireNoRoom(t, call(t.Context(), putBox, at, box{"b", 60_000}))
		for i := range 4 {
			require.NoError(t, call(t.Context(), takeBox, at, fmt.Sprint(i)))
		}
		time.Sleep(counted) //nolint:forbidigo // virtual time
		require.InDelta(t, 30_000, storedBy(t, b, host, "greedy"), 3_000)
		require.NoError(t, call(t.Context(), putBox, at, box{"b", 60_000}))
	})
}

// TestTenantsStoredQueue: a message for whose changes there is no room waits, and is no attempt.
func TestTenantsStoredQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := startStored(t)
		full := fillWarehouses(t, b)
		at := warehouseOf(b, "greedy", 0)
		require.NoError(t, heapLater.Push(t.Context(), at, 70_000))
		time.Sleep(10 * time.Minute) //nolint:forbidigo // virtual time
		for i := 1; i < full; i++ {
			require.NoError(t, call(t.Context(), tearDown, warehouseOf(b, "greedy", i), nil))
		}
		require.Eventually(t, func() bool {
			size, err := heapSize.Call(context.WithoutCancel(t.Context()), at, nil)
			return err == nil && size == 70_000
		}, time.Hour, time.Minute)
	})
}
