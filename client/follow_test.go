package client_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/internal/bustest"
)

// A ship tells where it is, for good.
type ship struct{ troupe.Ref }

func (ship) ActorType() string { return "ship" }

var (
	sail   = troupe.NewAction[ship, int, troupe.None]("sail") // so many places further
	sailed = troupe.NewDurableEvent[ship, int]("sailed")
	fished = troupe.NewDurableEvent[ship, string]("fished")
)

type shipState struct{ At int }

func ships() actorhost.Definition {
	return actorhost.Define(func() shipState { return shipState{} },
		actorhost.On(sail, actorhost.NoOut(func(s *shipState, c *actorhost.Context, n int) error {
			for range n {
				s.At++
				if err := sailed.Broadcast(c, s.At); err != nil {
					return err
				}
			}
			return fished.Broadcast(c, "a cod")
		})))
}

func sailOn(t *testing.T, cl *client.Client, n int, key ...string) {
	t.Helper()
	_, err := sail.Call(t.Context(), troupe.GetOrCreate[ship](cl, key...), n)
	require.NoError(t, err)
}

// logbook is what somebody has heard, by actor.
type logbook map[troupe.ID]int

// enter enters an event, which is the next one of its actor.
func (l logbook) enter(t *testing.T, kept troupe.KeptEvent[int]) {
	t.Helper()
	l[kept.Actor]++
	require.Equal(t, l[kept.Actor], kept.Payload, "%s at %s", kept.Actor, kept.Place)
	require.Equal(t, uint64(kept.Payload), kept.Position.Sequence)
}

// follow follows ships until they have sailed so many places more, and returns where it has come to.
func (l logbook) follow(t *testing.T, group troupe.Group[ship], after troupe.Place, places int) troupe.Place {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for kept, err := range sailed.Follow(ctx, group, after) {
		require.NoError(t, err, "%d places are to come", places)
		l.enter(t, kept)
		after = kept.Place
		if places--; places == 0 {
			break
		}
	}
	return after
}

func TestFollow(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, ships())
	sailOn(t, b.Client, 3, "north", "ann")
	sailOn(t, b.Client, 2, "south", "bob")
	sailOn(t, b.Client, 1, "north")
	for name, test := range map[string]struct {
		group troupe.Group[ship]
		kept  int
	}{
		"all":        {troupe.All[ship](b.Client), 6},
		"some":       {troupe.All[ship](b.Client, "north"), 4},
		"one deeper": {troupe.All[ship](b.Client, "north").Exactly(1), 3},
		"one":        {troupe.All[ship](b.Client, "south", "bob").Exactly(0), 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			heard := make(logbook)
			heard.follow(t, test.group, "", test.kept)
			for first := range test.kept { // again, and from the middle on
				part := make(logbook)
				place := part.follow(t, test.group, "", first+1)
				if first+1 < test.kept {
					part.follow(t, test.group, place, test.kept-first-1)
				}
				require.Equal(t, heard, part)
			}
		})
	}
	// Those that are replayed have their place, too.
	var middle troupe.KeptEvent[int]
	for kept, err := range sailed.Replay(t.Context(), troupe.GetOrCreate[ship](b.Client, "north", "ann"), troupe.FromSequence(2)) {
		require.NoError(t, err)
		middle = kept
		break
	}
	rest := logbook{middle.Actor: 2}
	rest.follow(t, troupe.All[ship](b.Client, "north"), middle.Place, 2)
	require.Len(t, rest, 2)
	at := logbook{middle.Actor: 1}
	at.follow(t, troupe.All[ship](b.Client, "north", "ann").Exactly(0), troupe.PlaceAt(middle.Time), 2)
}

// TestFollowIsOnceAtEachPlace has somebody stop and go on at any time, while many sail.
func TestFollowIsOnceAtEachPlace(t *testing.T) {
	t.Parallel()
	const many, voyages, places = 8, 30, 10
	b := hosttest.Start(t, ships())
	var sailing errgroup.Group
	for i := range many {
		sailing.Go(func() error {
			for range voyages {
				if _, err := sail.Call(t.Context(), troupe.GetOrCreate[ship](b.Client, "sea", fmt.Sprint(i)), places); err != nil {
					return err
				}
			}
			return nil
		})
	}
	heard, place := make(logbook), troupe.Place("")
	for left := many * voyages * places; left > 0; {
		some := min(1+rand.N(200), left)
		place = heard.follow(t, troupe.All[ship](b.Client, "sea"), place, some)
		left -= some
	}
	require.NoError(t, sailing.Wait())
	for id, at := range heard {
		require.Equal(t, voyages*places, at, id)
	}
}

// TestFollowWaits for the first durable event of all, and for what comes much later. In virtual time.
func TestFollowWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := hosttest.Start(t, ships())
		ctx, cancel := context.WithCancel(t.Context())
		heard := make(chan troupe.KeptEvent[int])
		over := make(chan error, 1)
		go func() {
			for kept, err := range sailed.Follow(ctx, troupe.All[ship](b.Client, "a").Exactly(0), "") {
				if err != nil {
					over <- err
					return
				}
				heard <- kept
			}
		}()
		for i := range 3 {
			time.Sleep(time.Minute) //nolint:forbidigo // virtual time
			began := time.Now()
			sailOn(t, b.Client, 1, "a")
			require.Equal(t, i+1, (<-heard).Payload)
			if i > 0 {
				require.Less(t, time.Since(began), time.Second, "it was heard")
			}
		}
		cancel()
		require.ErrorIs(t, <-over, troupe.ErrCanceled)
		require.NoError(t, b.Client.Close(t.Context()))
		for _, err := range sailed.Follow(t.Context(), troupe.All[ship](b.Client, "a"), "") {
			require.ErrorIs(t, err, troupe.ErrUnavailable)
		}
	})
}

// TestFollowOfAnotherLog: it is told that nobody can tell what is missing.
func TestFollowOfAnotherLog(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, ships())
	all := troupe.All[ship](b.Client)
	for _, junk := range []troupe.Place{"x", "1.2", "1.2.3.4", "-1.2.3", "1..3", "zzzzzzzzzzzzzzzzzz.1.1", "1.1.\x00"} {
		for _, err := range sailed.Follow(t.Context(), all, junk) {
			require.ErrorIs(t, err, troupe.ErrBadInput, junk)
		}
	}
	sailOn(t, b.Client, 5, "a")
	heard := make(logbook)
	place := heard.follow(t, all, "", 5)
	heardOne, over := make(chan struct{}), make(chan error, 1)
	go func() {
		for _, err := range sailed.Follow(t.Context(), all, place) {
			if err != nil {
				over <- err
				return
			}
			close(heardOne)
		}
	}()
	sailOn(t, b.Client, 1, "a")
	<-heardOne
	js, err := jetstream.New(b.Connect())
	require.NoError(t, err)
	require.NoError(t, js.DeleteStream(t.Context(), "troupe-events"))
	select {
	case err := <-over:
		require.ErrorIs(t, err, troupe.ErrNotFound)
		require.ErrorContains(t, err, "the events sailed of ship/>")
		require.ErrorContains(t, err, "another one now")
	case <-time.After(30 * time.Second):
		require.Fail(t, "it is not told")
	}
	sailOn(t, b.Client, 5, "a")
	for _, err := range sailed.Follow(t.Context(), all, place) {
		require.ErrorIs(t, err, troupe.ErrNotFound)
	}
	anew := logbook{troupe.GetOrCreate[ship](b.Client, "a").ID(): 6}
	anew.follow(t, all, "", 5)
}

// TestFollowNeedsItsPermissions, and says so at once.
func TestFollowNeedsItsPermissions(t *testing.T) {
	t.Parallel()
	for name, may := range map[string]server.Permissions{
		"hear":         {Subscribe: &server.SubjectPermission{Deny: []string{"troupe.event.>"}}},
		"read the log": {Publish: &server.SubjectPermission{Deny: []string{"$JS.API.DIRECT.GET.troupe-events", "$JS.API.DIRECT.GET.troupe-events.>"}}},
		"ask for it":   {Publish: &server.SubjectPermission{Deny: []string{"$JS.API.STREAM.INFO.troupe-events"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := bustest.Serve(t, &server.Options{JetStream: true, StoreDir: t.TempDir(), NoLog: true, Users: []*server.User{
				{Username: "host", Password: "p"}, {Username: "program", Password: "p", Permissions: &may},
			}})
			nc, cl := connected(t, s.ClientURL(), "host")
			host, err := actorhost.Start(t.Context(), nc, actorhost.Config{Logger: slog.New(slog.DiscardHandler)}, ships())
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, host.Stop(context.Background())) })
			sailOn(t, cl, 1, "a")
			_, cl = connected(t, s.ClientURL(), "program")
			began := time.Now()
			for _, err := range sailed.Follow(t.Context(), troupe.All[ship](cl), "") {
				require.ErrorIs(t, err, troupe.ErrDenied)
			}
			require.Less(t, time.Since(began), 10*time.Second)
		})
	}
}
