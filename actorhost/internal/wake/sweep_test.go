package wake_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// mark marks actors of a host as ones that may have unsent events.
func (s *system) mark(host string, keys ...string) {
	s.t.Helper()
	log := s.events(s.nc)
	for _, key := range keys {
		require.NoError(s.t, log.Mark(host, s.id(key)).Make(s.t.Context()))
	}
}

// marked are the keys of the actors that are, and the hosts.
func (s *system) marked(host string) (hosts, keys []string) {
	s.t.Helper()
	ofHosts, err := s.index.UnsentHosts(s.t.Context(), "*")
	require.NoError(s.t, err)
	for _, mark := range ofHosts {
		hosts = append(hosts, mark.Host)
	}
	ofActors, err := s.index.UnsentOf(s.t.Context(), host)
	require.NoError(s.t, err)
	for _, mark := range ofActors {
		keys = append(keys, mark.ID.KeyString())
	}
	return hosts, keys
}

func TestSweepWakesTheActorsOfADeadHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSystem(t)
		told := newActors(func(_ context.Context, key string, calls int) error {
			switch {
			case key == "gone":
				return &troupe.Error{Code: troupe.CodeNotFound}
			case key == "fails" && calls < 3:
				return errFailed
			}
			return nil
		})
		_, err := s.leases(s.nc).Renew(t.Context(), store.HostEntry{ID: "alive"}, 0, time.Hour)
		require.NoError(t, err)
		s.mark("alive", "awake")
		s.mark("dead", "ann", "ben", "gone", "fails")
		s.host(told.call)
		time.Sleep(lease / 2) //nolint:forbidigo // virtual time
		hosts, keys := s.marked("dead")
		require.Equal(t, []string{"fails"}, keys)
		require.Equal(t, []string{"alive", "dead"}, hosts, "as long as there is one of an actor")
		require.Contains(t, s.logged.String(), "looking for unsent events of dead hosts failed")

		time.Sleep(3 * lease) //nolint:forbidigo // virtual time
		hosts, keys = s.marked("dead")
		require.Empty(t, keys)
		require.Equal(t, []string{"alive"}, hosts)
		for key, calls := range map[string]int{"ann": 1, "ben": 1, "gone": 1, "fails": 3, "awake": 0} {
			require.Len(t, told.of(key), calls, key)
			for _, one := range told.of(key) {
				require.Equal(t, wire.Notice{}, one.notice, "there need be no event that it subscribes to")
			}
		}
		_, keys = s.marked("alive")
		require.Equal(t, []string{"awake"}, keys)
	})
}

// TestSweepLeavesTheMarksOfAHostThatComesBack has a host not hear a ping: it has its marks as long as it has its lease.
func TestSweepLeavesTheMarksOfAHostThatComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSystem(t)
		told := newActors(succeed)
		_, err := s.leases(s.nc).Renew(t.Context(), store.HostEntry{ID: "alive"}, 0, time.Hour)
		require.NoError(t, err)
		s.silent = "alive"
		s.mark("alive", "awake")
		s.host(told.call)
		time.Sleep(3 * lease) //nolint:forbidigo // virtual time
		hosts, keys := s.marked("alive")
		require.Equal(t, []string{"alive"}, hosts)
		require.Equal(t, []string{"awake"}, keys)
		require.Empty(t, told.of("awake"))
	})
}

// TestSweepGoesOnAfterAnActorThatCannotWake has each of two dead hosts have one, and another.
func TestSweepGoesOnAfterAnActorThatCannotWake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSystem(t)
		told := newActors(func(_ context.Context, key string, _ int) error {
			if key == "broken" {
				return errFailed
			}
			return nil
		})
		s.mark("dead1", "broken", "ann")
		s.mark("dead2", "broken", "ben")
		s.host(told.call)
		time.Sleep(2 * lease) //nolint:forbidigo // virtual time
		require.Len(t, told.of("ann"), 1)
		require.Len(t, told.of("ben"), 1)
	})
}
