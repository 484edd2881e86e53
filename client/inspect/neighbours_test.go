package inspect_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/client/inspect"
)

func TestNeighboursOfAnActor(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, rooms(t))
	b.Host(rooms(t))
	pages := serve(t, b.Connect(), inspect.Config{})
	page := pages.ok(t, pathTo("neighbours"))
	require.Contains(t, text(page), "What 2 hosts have in memory")
	require.NotContains(t, page, "<svg")

	hub := troupe.GetOrCreate[room](b.Client, hostileKey)
	long := strings.Repeat("k", 1024)
	for i := range 14 { // of both hosts, more than are drawn
		_, err := visit.Call(t.Context(), troupe.GetOrCreate[room](b.Client, "caller", fmt.Sprint(i)), []string{hostileKey})
		require.NoError(t, err)
	}
	_, err := visit.Call(t.Context(), hub, []string{long, long, "refused", "failed", "<b>שלום</b>\u202e"})
	require.NoError(t, err)
	page = pages.ok(t, pathTo("neighbours"))
	require.NotContains(t, page, "<script>alert")
	require.NotContains(t, page, "<b>ש")
	require.NotContains(t, page, "\u202e")
	shown := text(page)
	for _, want := range []string{
		"2 more call it.", "room/" + strings.Repeat("k", 1024) + " say 2 –", "room/failed fail 1 1 –", "room/refused refuse 1 – 1", "room/caller/13",
	} {
		require.Contains(t, shown, want)
	}
	require.Equal(t, 12+4, strings.Count(page, `<path class="call`))
	require.Equal(t, 1, strings.Count(page, `<path class="call trouble"`))
	for _, link := range linksTo(page, "neighbours?") {
		query, err := url.Parse("/" + link)
		require.NoError(t, err)
		require.Contains(t, pages.ok(t, query.String()), "<svg", link)
	}
	require.NotContains(t, page, "data-live")
}

func TestNeighboursThatAreNotTold(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, rooms(t))
	b.Kill(b.Host(rooms(t)))
	pages := serve(t, b.Connect(), inspect.Config{Timeout: time.Second})
	require.Contains(t, text(pages.ok(t, pathTo("neighbours"))), "the host does not reply")
}
