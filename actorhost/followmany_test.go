package actorhost_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
)

// A Sorting hears of all parcels by its loop.
type Sorting struct{ troupe.Ref }

func (Sorting) ActorType() string { return "sorting" }

var HeardThere = troupe.NewAction[Sorting, troupe.None, map[string][]string]("heard")

type sortingState struct {
	Place troupe.Place
	Heard map[string][]string // by parcel
}

// hearParcels has each move of a parcel of the EU, and the place in the log that it comes from, be one change of the state.
func hearParcels(l *actorhost.Loop[sortingState]) error {
	var place troupe.Place
	if err := l.Turn(func(s *sortingState, _ *actorhost.Context) error { place = s.Place; return nil }); err != nil {
		return err
	}
	for kept, err := range Moved.Follow(l, troupe.All[Parcel](l, "eu").Exactly(1), place) {
		if err != nil {
			return err
		}
		if err := l.Turn(func(s *sortingState, _ *actorhost.Context) error {
			s.Place, s.Heard[kept.Actor.KeyString()] = kept.Place, append(s.Heard[kept.Actor.KeyString()], kept.Payload)
			if rand.N(10) == 0 {
				return errors.New("not today")
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// TestActorFollowsMany has an actor hear of many others, some of which are made later, while its hosts die and its turns fail. Nobody
// calls it: each event has its effect once, in the order of its actor.
func TestActorFollowsMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := hosttest.Start(t)
		b.Host(post[0])
		sortings := actorhost.Define(func() sortingState { return sortingState{Heard: map[string][]string{}} },
			actorhost.On(HeardThere, actorhost.NoIn(func(s *sortingState, _ *actorhost.Context) (map[string][]string, error) { return s.Heard, nil }))).
			Loop(hearParcels)
		sorting, want := troupe.GetOrCreate[Sorting](b.Client, "north"), map[string][]string{}
		hosts := []*actorhost.Host{b.Host(sortings)}
		_, err := HeardThere.Call(t.Context(), sorting, nil)
		require.NoError(t, err)
		for round := range 3 {
			for i := range 40 {
				parcel := fmt.Sprint("eu/", rand.N(3+round))
				where := fmt.Sprintf("place %d of round %d", i, round)
				_, err := Move.Call(t.Context(), troupe.GetOrCreate[Parcel](b.Client, "eu", parcel[3:]), where)
				require.NoError(t, err)
				want[parcel] = append(want[parcel], where)
				_, err = Move.Call(t.Context(), troupe.GetOrCreate[Parcel](b.Client, "us", "1"), where)
				require.NoError(t, err)
				if i == 20 {
					b.Kill(hosts[0])
					hosts = []*actorhost.Host{b.Host(sortings)}
				}
			}
			time.Sleep(5 * time.Minute) //nolint:forbidigo // virtual time
			require.Equal(t, 1, hosts[0].Active(), "it has come back by itself")
			heard, err := HeardThere.Call(t.Context(), sorting, nil)
			require.NoError(t, err)
			require.Equal(t, want, heard)
		}
	})
}
