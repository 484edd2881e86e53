package actorhost_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
)

// A reader that calls another actor keeps nobody waiting; one that waits by itself is found to do so after a while.
func TestReaderThatCallsLendsAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, called bool) {
		t.Helper()
		var book parlourBook
		b := hosttest.Start(t, parlours(&book))
		g := guestsOf(t, b)
		g.send(parlourSit, sitting{Name: "a", For: time.Second, Called: called})
		g.send(parlourSit, sitting{Name: "b", For: time.Second, Called: called})
		require.Equal(t, called, slices.Contains(book.read(), "b sits"), "no time has passed: %v", book.read())
		g.requireNoErrors(t)
	})
}

// A change that a reader makes while others run is found once they have all ended, and put back before anything else runs.
func TestChangeOfOneOfSeveralReadersIsFound(t *testing.T) {
	inBubble(t, func(t *testing.T, called bool) {
		t.Helper()
		var book parlourBook
		var found lostStates
		b := hosttest.Start(t)
		b.HostWith(actorhost.Config{CheckState: found.add}, parlours(&book))
		g := guestsOf(t, b)
		g.send(parlourSit, sitting{Name: "a", For: time.Second, Called: called})
		g.send(parlourSit, sitting{Name: "b", For: 2 * time.Second, Called: called, How: "scribble"})
		g.send(parlourSit, sitting{Name: "c", For: time.Second, Called: called}) // for which b has to lend
		g.requireNoErrors(t)
		painted, err := parlourPaint.Call(t.Context(), g.parlour, sitting{Name: "next"})
		require.NoError(t, err)
		require.Equal(t, 2, painted)
		require.Len(t, found.list(), 1)
		require.Contains(t, found.list()[0], "sit is read-only, and has changed the state")
	})
}

// Another host may have changed the state that a reader has seen whose host has no lease any more.
func TestReaderThatOutlivesTheLeaseIsNotBelieved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const lease = 3 * time.Second
		var book parlourBook
		b := hosttest.Start(t)
		b.HostWith(actorhost.Config{Lease: lease}, parlours(&book))
		g := guestsOf(t, b)
		grant := refuseLeases(t, b)
		ctx, cancel := context.WithTimeout(t.Context(), 2*lease+time.Second)
		defer cancel()
		_, err := parlourSit.Call(ctx, g.parlour, sitting{Name: "a", For: 2 * lease})
		require.Error(t, err)
		grant()
		_, err = parlourSit.Call(t.Context(), troupe.Get[parlour](b.Client, g.parlour.ID().Key()...), sitting{Name: "b"})
		require.NoError(t, err)
	})
}
