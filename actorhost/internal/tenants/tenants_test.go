package tenants_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/tenants"
	"github.com/troupe-go/troupe/internal/bustest"
)

func byKey(id troupe.ID) string {
	if key := id.Key(); len(key) > 0 {
		return key[0]
	}
	return ""
}

func TestNoLimits(t *testing.T) {
	t.Parallel()
	none := tenants.New(byKey, tenants.Limits{})
	require.Nil(t, none)
	one, err := none.Enter(bustest.NewID(t, "room", "a"))
	require.Nil(t, err)
	require.Nil(t, one.Create(0))
	require.Nil(t, one.Connect())
	one.Disconnect()
	require.True(t, one.Wait(1<<40))
	one.Leave()
	require.Empty(t, none.Info())
}

// TestFunctionThatPanics harms the call alone.
func TestFunctionThatPanics(t *testing.T) {
	t.Parallel()
	all := tenants.New(func(troupe.ID) string { panic("no idea") }, tenants.Limits{Awake: 1})
	_, err := all.Enter(bustest.NewID(t, "room", "a"))
	require.ErrorIs(t, err, &troupe.Error{Code: troupe.CodeInternal})
	require.ErrorContains(t, err, "no idea")
}

// TestCreated: what a tenant may create comes back by and by, also when none of its actors is awake meanwhile.
func TestCreated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		all := tenants.New(byKey, tenants.Limits{Created: 10})
		create := func() *troupe.Error {
			one, err := all.Enter(bustest.NewID(t, "room", "a"))
			require.Nil(t, err)
			defer one.Leave()
			return one.Create(0)
		}
		created := 0
		for range 100 {
			if create() == nil {
				created++
			}
		}
		require.Equal(t, 10, created)
		for range 50 {
			time.Sleep(100 * time.Millisecond) //nolint:forbidigo // virtual time
			for range 3 {
				if create() == nil {
					created++
				}
			}
		}
		require.InDelta(t, 60, created, 1)
	})
}

// TestManyTenants: who has nothing any more is forgotten.
func TestManyTenants(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		all := tenants.New(byKey, tenants.Limits{Created: 10, Awake: 1})
		stays, err := all.Enter(bustest.NewID(t, "room", "stays"))
		require.Nil(t, err)
		for i := range 10_000 {
			one, err := all.Enter(bustest.NewID(t, "room", fmt.Sprint(i)))
			require.Nil(t, err)
			require.Nil(t, one.Create(0))
			one.Leave()
			time.Sleep(10 * time.Millisecond) //nolint:forbidigo // virtual time
		}
		require.LessOrEqual(t, all.Len(), 1024)
		require.Len(t, all.Info(), tenants.MaxTold)
		require.Equal(t, "stays", all.Info()[0].Tenant)
		_, err = all.Enter(bustest.NewID(t, "room", "stays"))
		require.ErrorContains(t, err, `the tenant "stays" has 1 actors awake`)
		stays.Leave()
		_, err = all.Enter(bustest.NewID(t, "room", "stays"))
		require.Nil(t, err)
		_, err = all.Enter(bustest.NewID(t, "room"))
		require.Nil(t, err, "an actor without a key has no tenant")
	})
}
