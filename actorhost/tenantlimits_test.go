package actorhost_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/wire"
)

// A rented actor belongs to the tenant that its key begins with.
type rented struct{ troupe.Ref }

func (rented) ActorType() string { return "rented" }

var (
	touch   = troupe.NewAction[rented, troupe.None, int]("touch")
	lookIn  = troupe.NewAction[rented, troupe.None, int]("lookIn")
	occupy  = troupe.NewAction[rented, []byte, int]("occupy")
	sitDown = troupe.NewConnector[rented, troupe.None]()
)

// rentals returns the type; occupy lasts until leave is closed.
func rentals(leave <-chan struct{}) actorhost.ActorType[rented, counterState] {
	return actorhost.Define(func() counterState { return counterState{} },
		actorhost.On(touch, actorhost.NoIn(func(s *counterState, _ *actorhost.Context) (int, error) { s.Value++; return s.Value, nil })),
		actorhost.On(lookIn, actorhost.NoIn(func(s *counterState, _ *actorhost.Context) (int, error) { return s.Value, nil })).IfExists(),
		actorhost.On(occupy, func(s *counterState, _ *actorhost.Context, _ []byte) (int, error) { <-leave; return s.Value, nil }))
}

// TestTenantLimits has one tenant reach each limit: the error names it, and another tenant has what it needs.
func TestTenantLimits(t *testing.T) {
	t.Parallel()
	const most = 3
	// Each returns the first error after most of something.
	for name, test := range map[string]struct {
		limits actorhost.Tenants
		takes  func(t *testing.T, b *hosttest.Bus, tenant string) error
	}{
		"Awake": {actorhost.Tenants{Awake: most}, func(t *testing.T, b *hosttest.Bus, tenant string) error {
			t.Helper()
			return firstOf(t, most, func(i int) error { return touchStall(t, b, tenant, i) })
		}},
		"Created": {actorhost.Tenants{Created: most}, func(t *testing.T, b *hosttest.Bus, tenant string) error {
			t.Helper()
			return firstOf(t, most, func(i int) error { return touchStall(t, b, tenant, i) })
		}},
		"Connections": {actorhost.Tenants{Connections: most}, func(t *testing.T, b *hosttest.Bus, tenant string) error {
			t.Helper()
			return firstOf(t, most, func(i int) error {
				_, err := sitDown.Connect(t.Context(), troupe.GetOrCreate[rented](b.Client, tenant, fmt.Sprint(i)), nil)
				return err
			})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := hosttest.Start(t)
			b.HostWith(actorhost.Config{Tenants: test.limits}, rentals(nil))
			err := test.takes(t, b, "greedy")
			require.ErrorIs(t, err, troupe.ErrOverloaded)
			require.ErrorContains(t, err, "Tenants."+name)
			require.ErrorContains(t, err, `"greedy"`)
			require.NoError(t, touchStall(t, b, "other", 0))
			_, err = sitDown.Connect(t.Context(), troupe.GetOrCreate[rented](b.Client, "other", "0"), nil)
			require.NoError(t, err)
		})
	}
}

func touchStall(t *testing.T, b *hosttest.Bus, tenant string, i int) error {
	t.Helper()
	_, err := touch.Call(t.Context(), troupe.GetOrCreate[rented](b.Client, tenant, fmt.Sprint(i)), nil)
	return err
}

// firstOf checks that so many succeed, and returns the error of the next.
func firstOf(t *testing.T, most int, one func(i int) error) error {
	t.Helper()
	for i := range most {
		require.NoError(t, one(i))
	}
	return one(most)
}

// TestTenantsCallsWait fills what a tenant may have waiting, by number and by size.
func TestTenantsCallsWait(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		limits  actorhost.Tenants
		waiting int64 // when it is full
		size    int
	}{
		"Waiting":      {actorhost.Tenants{Waiting: 3}, 3, 1},
		"WaitingBytes": {actorhost.Tenants{WaitingBytes: 5000}, 2, 2000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			leave := make(chan struct{})
			b := hosttest.Start(t)
			host := b.HostWith(actorhost.Config{Tenants: test.limits}, rentals(leave))
			nc := b.Connect()
			waiting := func(tenant string) wire.TenantInfo {
				reply, err := nc.Request("troupe.host."+host.ID()+".info", nil, 10*time.Second)
				require.NoError(t, err)
				var info wire.HostInfo
				require.NoError(t, codec.MsgPack.Unmarshal(reply.Data, &info))
				for _, one := range info.Tenants {
					if one.Tenant == tenant {
						return one
					}
				}
				return wire.TenantInfo{}
			}
			var calls errgroup.Group
			sit := func(i int) {
				calls.Go(func() error {
					_, err := occupy.Call(t.Context(), troupe.GetOrCreate[rented](b.Client, "greedy", fmt.Sprint(i%2)), make([]byte, test.size))
					return err
				})
			}
			for i := range 2 { // which run
				sit(i)
				require.Eventually(t, func() bool { return waiting("greedy").Awake == i+1 && waiting("greedy").Waiting == 0 }, 10*time.Second, time.Millisecond)
			}
			for i := range int(test.waiting) {
				sit(i)
				require.Eventually(t, func() bool { return waiting("greedy").Waiting == int64(i)+1 }, 10*time.Second, time.Millisecond)
			}
			_, err := occupy.Call(t.Context(), troupe.GetOrCreate[rented](b.Client, "greedy", "0"), make([]byte, test.size))
			require.ErrorIs(t, err, troupe.ErrOverloaded)
			require.ErrorContains(t, err, "Tenants."+name+")")
			require.NoError(t, touchStall(t, b, "other", 0))
			require.Equal(t, int64(1), waiting("greedy").Refused)
			close(leave)
			require.NoError(t, calls.Wait())
			require.NoError(t, touchStall(t, b, "greedy", 0))
			require.Zero(t, waiting("greedy").Waiting)
			require.Zero(t, waiting("greedy").Bytes)
		})
	}
}

// TestActionsThatCreateNothing calls actors that do not exist.
func TestActionsThatCreateNothing(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, rentals(nil))
	one := troupe.GetOrCreate[rented](b.Client, "a", "1")
	for range 2 { // the second when the last actor of the type was new
		_, err := lookIn.Call(t.Context(), one, nil)
		require.ErrorIs(t, err, troupe.ErrNotFound)
		require.NoError(t, touchStall(t, b, "b", 0))
	}
	require.NoError(t, touchStall(t, b, "a", 1))
	got, err := lookIn.Call(t.Context(), one, nil)
	require.NoError(t, err)
	require.Equal(t, 1, got)
}

// TestCreatedOnly has actors that nobody creates by the way.
func TestCreatedOnly(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, rentals(nil).Config(actorhost.TypeConfig{CreatedOnly: true}))
	require.ErrorIs(t, touchStall(t, b, "a", 1), troupe.ErrNotFound)
	_, err := sitDown.Connect(t.Context(), troupe.GetOrCreate[rented](b.Client, "a", "1"), nil)
	require.ErrorIs(t, err, troupe.ErrNotFound)
	create := troupe.NewConstructor[rented, troupe.None]()
	require.NoError(t, create.Create(t.Context(), troupe.GetOrCreate[rented](b.Client, "a", "1"), nil))
	require.NoError(t, touchStall(t, b, "a", 1))
}
