package order_test

import (
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/order"
	"github.com/troupe-go/troupe/internal/wire"
)

// broadcasts are the events of an actor over several lives and activations.
func broadcasts(t *rapid.T) (all []wire.Place) {
	last, epoch := troupe.Position{}, uint64(0)
	for range rapid.IntRange(1, 30).Draw(t, "events") {
		switch rapid.IntRange(0, 5).Draw(t, "then") {
		case 0:
			last = troupe.Position{} // it is destroyed, and created again
			fallthrough
		case 1:
			epoch += rapid.Uint64Range(1, 3).Draw(t, "later")
		}
		epoch = max(epoch, 1)
		place := wire.After(last, epoch)
		last = place.Position
		all = append(all, place)
	}
	return all
}

// TestOrderIsThatOfTheModel delivers a part of what an actor broadcasts, some of it twice or late. The model knows the
// number of each event: an event is heard if it is later than all before, and there is a gap if numbers are missing.
func TestOrderIsThatOfTheModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		all := broadcasts(t)
		var order order.Tracker
		heard := -1
		for range rapid.IntRange(0, 40).Draw(t, "deliveries") {
			next := rapid.IntRange(max(0, heard-2), min(len(all)-1, heard+3)).Draw(t, "number")
			if rapid.Bool().Draw(t, "skip") {
				after, skipped := order.Skip("a", all[next].Position)
				require.Equal(t, next > heard, skipped)
				if heard >= 0 {
					require.Equal(t, all[heard].Position, after)
				}
				heard = max(heard, next)
				continue
			}
			after, gap, fresh := order.Next("a", all[next])
			require.Equal(t, next > heard, fresh, "%v after %d of %v", next, heard, all)
			missing := heard >= 0 && next > heard+1
			// The first event of a life cannot tell whether the previous life had more.
			unsure := heard >= 0 && next == heard+1 && all[next].Sequence == 1
			require.Equal(t, missing || unsure, gap, "%v after %d of %v", next, heard, all)
			if gap {
				require.Equal(t, all[heard].Position, after)
			}
			heard = max(heard, next)
		}
		last, known := order.Heard("a")
		require.Equal(t, heard >= 0, known)
		if known {
			require.Equal(t, all[heard].Position, last)
		}
		_, _, fresh := order.Next("b", wire.Place{Position: troupe.Position{Epoch: 1, Sequence: 1}})
		require.True(t, fresh, "subjects have nothing to do with each other")
	})
}

func TestPlaceOnTheWire(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		for _, place := range broadcasts(t) {
			require.Equal(t, place, wire.ParsePlace(nats.Header{wire.HeaderEvent: {place.String()}}))
		}
	})
	for _, wrong := range []string{"", "1", "1.", ".1", "0.1", "1.0", "a.1", "1.a", "-1.1", "3.2.", "3.2.0", "3.2.3", "3.2.4", "3.1.2", "3.2.1.1", "18446744073709551616.1"} {
		require.Zero(t, wire.ParsePlace(nats.Header{wire.HeaderEvent: {wrong}}), wrong)
	}
	require.Zero(t, wire.ParsePlace(nil))
}

func TestPatternsOfEvents(t *testing.T) {
	t.Parallel()
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	const anyDepth = -1
	for want, keys := range map[string]struct {
		prefix []string
		more   int
	}{
		"troupe.event.room.>":             {nil, anyDepth},
		"troupe.event.room.said":          {nil, 0},
		"troupe.event.room.*.said":        {nil, 1},
		"troupe.event.room.org=201.>":     {[]string{"org 1"}, anyDepth},
		"troupe.event.room.org1.said":     {[]string{"org1"}, 0},
		"troupe.event.room.org1.*.*.said": {[]string{"org1"}, 2},
		"troupe.event.room.=2A.>":         {[]string{"*"}, anyDepth}, // a key, not a wildcard
	} {
		actors, err := troupe.NewActors("room", keys.prefix...)
		require.NoError(t, err)
		if keys.more != anyDepth {
			actors, err = actors.Exactly(keys.more)
			require.NoError(t, err)
		}
		require.Equal(t, want, ns.Events(actors, "said"))
	}
	all, err := troupe.NewActors("room")
	require.NoError(t, err)
	for _, more := range []int{-1, 17} {
		_, err := all.Exactly(more)
		require.ErrorIs(t, err, troupe.ErrBadInput)
	}
}
