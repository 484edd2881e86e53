package inspect_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/client/inspect"
)

func TestOverview(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, rooms(t))
	pages := serve(t, b.Connect(), inspect.Config{})
	lobby := troupe.GetOrCreate[room](b.Client, "lobby")
	_, err := say.Call(t.Context(), lobby, "hello")
	require.NoError(t, err)
	_, err = fail.Call(t.Context(), lobby, nil)
	require.ErrorIs(t, err, troupe.ErrInternal)
	_, err = refuse.Call(t.Context(), lobby, nil)
	require.Error(t, err)
	seen := text(pages.ok(t, "/"))
	for _, want := range []string{"Actors awake 1", "room say 1 – –", "room fail 1 1 –", "room refuse 1 – 1", "full actors, on purpose 1", "internal hosts 1"} {
		require.Contains(t, seen, want)
	}
	hanging(t, b, "stuck one")
	require.Eventually(t, func() bool {
		seen = text(pages.ok(t, "/"))
		return containsAll(seen, "room/stuck=20one action hang")
	}, 10*time.Second, 50*time.Millisecond)
	require.Contains(t, seen, "Actors awake 2")
}

func TestTypeAndActor(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, rooms(t))
	pages := serve(t, b.Connect(), inspect.Config{})
	site := troupe.GetOrCreate[room](b.Client, "site", "<script>alert(1)</script>")
	require.NoError(t, build.Start(t.Context(), site, "house"))
	_, err := say.Call(t.Context(), site, "<b>hello</b>\u202e")
	require.NoError(t, err)
	_, err = remind.Call(t.Context(), site, nil)
	require.NoError(t, err)
	hanging(t, b, "stuck")

	const path = "/actor?type=room&key=site%2F%3D3Cscript%3D3Ealert%3D281%3D29%3D3C%3D2Fscript%3D3E"
	var seen string
	require.Eventually(t, func() bool {
		seen = pages.ok(t, path)
		return containsAll(seen, "plan", "approval", "hello") // the state may be stored a moment later
	}, 10*time.Second, 50*time.Millisecond)
	require.NotContains(t, seen, "<b>hello")
	require.NotContains(t, seen, "<i>house")
	require.NotContains(t, seen, "<script>alert")
	require.Contains(t, seen, `\u202e`)
	for _, want := range []string{"Workflow build waiting", "greeting", "every 1 h 0 min", "Runs nothing", "Awake yes, 0 waiting", "Remembers"} {
		require.Contains(t, text(seen), want)
	}

	require.Eventually(t, func() bool {
		return containsAll(text(pages.ok(t, "/type?name=room&longer=50ms")), "room/stuck action hang")
	}, 10*time.Second, 50*time.Millisecond)
	list := text(pages.ok(t, "/type?name=room"))
	require.Contains(t, list, "room/site/=3Cscript=3Ealert=281=29=3C=2Fscript=3E –")
	require.Contains(t, list, "action say string number")
	require.Regexp(t, `workflow build( string){2} `, list)
	stack := pages.ok(t, "/actor?type=room&key=stuck&stack")
	require.Contains(t, stack, "inspect_test.rooms.func")
	require.NotContains(t, stack, "data-live", "a host stands still while it looks for stacks")
}

// TestReadersAreCounted has three read-only actions of one actor run beside each other.
func TestReadersAreCounted(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, rooms(t))
	pages := serve(t, b.Connect(), inspect.Config{})
	seen := troupe.GetOrCreate[room](b.Client, "seen")
	_, err := say.Call(t.Context(), seen, "look at me")
	require.NoError(t, err)
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() { _, _ = stare.Call(t.Context(), seen, nil) }) // until the test ends
	}
	t.Cleanup(all.Wait)
	for path, want := range map[string]string{
		"/type?name=room":           "room/seen action stare and 2 read-only beside it",
		"/actor?type=room&key=seen": ", and 2 read-only beside it",
	} {
		require.Eventually(t, func() bool { return containsAll(text(pages.ok(t, path)), want) }, 10*time.Second, 10*time.Millisecond, path)
	}
}
