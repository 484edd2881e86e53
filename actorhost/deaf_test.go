//go:build !race

package actorhost_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
)

// TestRepliesAreDenied takes away what a host, or a caller, hears replies on. Nobody can tell what became of what was sent
// just then; what comes after is not sent.
func TestRepliesAreDenied(t *testing.T) {
	t.Parallel()
	for name, who := range map[string]func(c *changing, subjects ...string){"host": (*changing).denyHearing, "caller": (*changing).denyCaller} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := startChanging(t, actorhost.Config{Lease: 2 * time.Second}, counters())
			a := c.counter("a")
			require.NoError(t, call(t.Context(), add, a, 1))
			added, unknown := 1, 0
			slowly := make(chan error, 1)
			go func() { slowly <- call(t.Context(), slow, c.counter("b"), time.Second) }()

			who(c, "_INBOX.>")
			require.Eventually(t, func() bool {
				began := time.Now()
				err := call(t.Context(), add, a, 1)
				require.Less(t, time.Since(began), time.Second, "%v", err)
				switch codeOf(err) {
				case "":
					added++
				case troupe.CodeOutcomeUnknown:
					unknown++
				default:
					require.ErrorIs(t, err, troupe.ErrDenied)
				}
				return codeOf(err) == troupe.CodeDenied
			}, 10*time.Second, time.Millisecond)
			for range 10 {
				c.isNamed(`subscribe to "_INBOX.`, func() error { return call(t.Context(), add, a, 1) })
			}
			if err := <-slowly; name == "caller" {
				require.ErrorIs(t, err, troupe.ErrOutcomeUnknown)
				require.ErrorContains(t, err, `subscribe to "_INBOX.`)
			}

			who(c)
			require.Eventually(t, func() bool {
				err := call(t.Context(), add, a, 1)
				if err == nil {
					added++
				}
				return err == nil
			}, 20*time.Second, 10*time.Millisecond)
			n, err := get.Call(t.Context(), a, nil)
			require.NoError(t, err)
			require.GreaterOrEqual(t, n, added)
			require.LessOrEqual(t, n, added+unknown)
		})
	}
}

// TestSubscriptionsAreDenied takes away where a host hears calls, and where a program hears events.
func TestSubscriptionsAreDenied(t *testing.T) {
	t.Parallel()
	c := startChanging(t, actorhost.Config{}, pressAndReader...)
	times := troupe.GetOrCreate[press](c.client, "times")
	heard := make(chan int, 1000)
	sub, err := published.Subscribe(t.Context(), times, func(_ context.Context, page int) error { heard <- page; return nil })
	require.NoError(t, err)
	defer func() { require.NoError(t, sub.Unsubscribe()) }()
	publishes := func() bool { return call(t.Context(), publish, times, 1) == nil }
	hears := func() bool {
		for len(heard) > 0 {
			<-heard
		}
		publishes()
		select {
		case <-heard:
			return true
		case <-time.After(100 * time.Millisecond):
			return false
		}
	}
	require.Eventually(t, hears, 10*time.Second, time.Millisecond)

	c.denyCaller("troupe.event.>")
	require.Eventually(t, func() bool { return !hears() }, 10*time.Second, time.Millisecond)
	c.denyCaller()
	require.Eventually(t, hears, 20*time.Second, time.Millisecond)

	c.denyHearing("troupe.route.>", "troupe.call.>", "troupe.host.>")
	require.Eventually(t, func() bool { return c.logged.Contains("NATS does not allow this user") }, 10*time.Second, time.Millisecond)
	c.denyHearing()
	require.Eventually(t, hears, 30*time.Second, time.Millisecond)
}
