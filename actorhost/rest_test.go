package actorhost_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
)

// chime broadcasts, and changes nothing.
var chime = troupe.NewAction[bell, troupe.None, troupe.None]("chime")

func chimes() actorhost.Definition {
	return actorhost.Define(func() bellState { return bellState{} },
		actorhost.On(ring, (*bellState).ring),
		actorhost.On(chime, actorhost.NoInNoOut(func(s *bellState, c *actorhost.Context) error { return rang.Broadcast(c, s.Rings) })))
}

// TestActorsAtRestLoseNothing has actors do things after each of which nobody calls them for so long that their host has
// dropped the encoding of their states. What they do does not change it, or not all of it; and then another host has to
// make do with what is stored.
func TestActorsAtRestLoseNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := hosttest.Start(t)
		host := b.Host(chimes(), counters(), secondProfiles())
		tower := troupe.GetOrCreate[bell](b.Client, "tower")
		count := troupe.GetOrCreate[counter](b.Client, "a")
		ann := troupe.GetOrCreate[profile](b.Client, "ann")
		_, err := ring.Call(t.Context(), tower, 3)
		require.NoError(t, err)
		require.NoError(t, call(t.Context(), add, count, 7))
		require.NoError(t, call(t.Context(), hidden, count, 2))
		require.NoError(t, call(t.Context(), settle, ann, "Switzerland"))

		for range 3 {
			time.Sleep(10 * time.Second) //nolint:forbidigo // virtual time: the default of SleepAfter is longer
			require.NoError(t, call(t.Context(), chime, tower, nil))
			_, err := ring.Call(t.Context(), tower, -2)
			require.ErrorIs(t, err, errRefused)
			require.ErrorIs(t, call(t.Context(), fail, count, "user"), errRefused)
		}
		got, err := hidden.Call(t.Context(), count, 0)
		require.NoError(t, err)
		require.Equal(t, 2, got, "nobody has fallen asleep")
		b.Stop(host)

		host = b.Host(chimes(), counters(), firstProfiles()) // which does not know of countries
		for _, name := range []string{"Ann", "Anna"} {
			require.NoError(t, call(t.Context(), rename, ann, name))
			time.Sleep(10 * time.Second) //nolint:forbidigo // virtual time
		}
		b.Stop(host)

		b.Host(chimes(), counters(), secondProfiles())
		got, err = ring.Call(t.Context(), tower, 1)
		require.NoError(t, err)
		require.Equal(t, 4, got)
		got, err = get.Call(t.Context(), count, nil)
		require.NoError(t, err)
		require.Equal(t, 7, got)
		who, err := showNew.Call(t.Context(), ann, nil)
		require.NoError(t, err)
		require.Equal(t, "Anna", who.Name)
		require.Equal(t, "Switzerland", who.Homes["main"].Country)
	})
}
