//go:build !race

package actorhost_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/internal/bustest"
)

// changing is a host whose permissions change while it runs. This is not built for the race detector, which finds that servers
// read options while they are reloaded.
type changing struct {
	t       *testing.T
	options *server.Options
	server  *server.Server
	client  *client.Client
	logged  bustest.Log
}

// deny reloads the server: the host may not publish to the subjects.
func (c *changing) deny(subjects ...string) {
	c.t.Helper()
	c.reload(subjects, nil)
}

// denyHearing reloads the server: the host may not subscribe to the subjects.
func (c *changing) denyHearing(subjects ...string) {
	c.t.Helper()
	c.reload(nil, subjects)
}

// denyCaller reloads the server: the program that calls may not subscribe to the subjects.
func (c *changing) denyCaller(subjects ...string) {
	c.t.Helper()
	changed := c.options.Clone()
	hostMayNot(changed, nil, nil)
	changed.Users[1].Permissions = &server.Permissions{Subscribe: &server.SubjectPermission{Allow: []string{">"}, Deny: subjects}}
	require.NoError(c.t, c.server.ReloadOptions(changed))
}

func (c *changing) reload(publish, subscribe []string) {
	c.t.Helper()
	changed := c.options.Clone()
	hostMayNot(changed, publish, subscribe)
	require.NoError(c.t, c.server.ReloadOptions(changed))
}

func hostMayNot(o *server.Options, publish, subscribe []string) {
	all := []string{">"}
	o.Users = []*server.User{
		{Username: "host", Password: "p", Permissions: &server.Permissions{
			Publish:   &server.SubjectPermission{Allow: all, Deny: publish},
			Subscribe: &server.SubjectPermission{Allow: all, Deny: subscribe},
		}},
		{Username: "caller", Password: "p"},
	}
}

func startChanging(t *testing.T, config actorhost.Config, serves ...actorhost.Definition) *changing {
	t.Helper()
	c := &changing{t: t, options: &server.Options{JetStream: true, StoreDir: t.TempDir(), NoLog: true}}
	hostMayNot(c.options, nil, nil)
	c.server = bustest.Serve(t, c.options.Clone())
	c.options.Host, c.options.Port, c.options.NoSigs = "127.0.0.1", server.RANDOM_PORT, true
	way := system{t: t}
	config.Logger = slog.New(slog.NewTextHandler(&c.logged, nil))
	host, err := actorhost.Start(t.Context(), way.connect(c.server.ClientURL(), "host"), config, serves...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = host.Stop(context.Background()) })
	c.client = way.client(way.connect(c.server.ClientURL(), "caller"), "")
	return c
}

func (c *changing) counter(key string) counter { return troupe.GetOrCreate[counter](c.client, key) }

// isDenied checks that a call is denied at once, each time that it is made.
func (c *changing) isDenied(subject string, do func() error) {
	c.t.Helper()
	for range 3 {
		began := time.Now()
		err := do()
		require.Less(c.t, time.Since(began), time.Second, "the caller is told at once: %v", err)
		require.ErrorIs(c.t, err, troupe.ErrDenied)
		require.ErrorContains(c.t, err, fmt.Sprintf("publish to %q", subject))
	}
}

// TestWritesAreDenied takes away what a host needs for calls that change an actor.
func TestWritesAreDenied(t *testing.T) {
	t.Parallel()
	c := startChanging(t, actorhost.Config{}, counters())
	awake, asleep := c.counter("awake"), c.counter("asleep")
	require.NoError(t, call(t.Context(), add, awake, 5))
	require.NoError(t, call(t.Context(), add, asleep, 7))
	require.NoError(t, c.client.Invoke(t.Context(), troupe.Invocation{ID: asleep.ID(), Action: troupe.SleepAction}))

	c.deny("$KV.troupe-actors.>")
	for _, ref := range []counter{awake, asleep, c.counter("new")} {
		subject := "$KV.troupe-actors." + ref.ID().Tokens()
		c.isDenied(subject, func() error { return call(t.Context(), add, ref, 1) })
		c.isDenied(subject, func() error { return call(t.Context(), destroy, ref, nil) })
	}
	require.Equal(t, 1, strings.Count(c.logged.String(), "level=WARN"), c.logged.String())
	for ref, want := range map[counter]int{awake: 5, asleep: 7} {
		n, err := get.Call(t.Context(), ref, nil)
		require.NoError(t, err, "what needs no write goes on")
		require.Equal(t, want, n)
	}

	c.deny()
	for ref, want := range map[counter]int{awake: 6, asleep: 8, c.counter("new"): 1} {
		require.Eventually(t, func() bool { return call(t.Context(), add, ref, 1) == nil }, 10*time.Second, 10*time.Millisecond)
		n, err := get.Call(t.Context(), ref, nil)
		require.NoError(t, err)
		require.Equal(t, want, n)
	}
}

// TestManyWritesAreDenied has calls of many actors under way all the time, by way of records and of the journal, while
// permissions come and go. What was denied has had no effect, and what was acknowledged has.
func TestManyWritesAreDenied(t *testing.T) {
	t.Parallel()
	c := startChanging(t, actorhost.Config{}, counters())
	const actors = 64
	type tally struct{ added, unknown int }
	var tallies [actors]tally
	ctx, stop := context.WithCancel(t.Context())
	var callers errgroup.Group
	denied := make(chan string, 1)
	for i := range actors {
		callers.Go(func() error {
			for ref := c.counter(fmt.Sprint(i)); ctx.Err() == nil; {
				began := time.Now()
				err := call(t.Context(), add, ref, 1)
				switch code := codeOf(err); {
				case err == nil:
					tallies[i].added++
				case code == troupe.CodeDenied:
					if took := time.Since(began); took > 2*time.Second {
						return fmt.Errorf("after %v: %w", took, err)
					}
					select {
					case denied <- err.Error():
					default:
					}
				case code == troupe.CodeOutcomeUnknown:
					tallies[i].unknown++
				case code != troupe.CodeUnavailable:
					return err
				}
			}
			return nil
		})
	}
	for _, subject := range []string{"$KV.troupe-actors.>", "troupe.journal.>", "$KV.troupe-actors.counter.*", "troupe.journal.>"} {
		c.deny(subject)
		prefix := strings.TrimRight(subject, ">*")
		require.Eventually(t, func() bool {
			select {
			case text := <-denied:
				return strings.Contains(text, prefix)
			case <-time.After(10 * time.Millisecond):
				return false
			}
		}, 20*time.Second, time.Millisecond, subject)
		c.deny()
	}
	stop()
	require.NoError(t, callers.Wait())
	for i, tally := range tallies {
		var n int
		require.Eventually(t, func() bool {
			var err error
			n, err = get.Call(t.Context(), c.counter(fmt.Sprint(i)), nil)
			return err == nil
		}, 20*time.Second, 10*time.Millisecond)
		require.GreaterOrEqual(t, n, tally.added)
		require.LessOrEqual(t, n, tally.added+tally.unknown)
	}
}

func codeOf(err error) troupe.Code {
	if failed := new(troupe.Error); errors.As(err, &failed) {
		return failed.Code
	}
	return ""
}

// TestAnswersAreDenied makes calls with ids until their answers have no room but in the archive.
func TestAnswersAreDenied(t *testing.T) {
	t.Parallel()
	c := startChanging(t, actorhost.Config{}, counters())
	one := func(i int) error {
		return call(troupe.WithRequestID(t.Context(), fmt.Sprint(i)), add, c.counter("one"), 1)
	}
	c.deny("troupe.answers.>")
	added := 0
	for one(added) == nil {
		added++
	}
	for range 5 {
		c.isNamed("troupe.answers.", func() error { return one(added) })
	}
	require.Equal(t, 1, strings.Count(c.logged.String(), "level=WARN"), c.logged.String())
	c.deny()
	require.Eventually(t, func() bool { return one(added) == nil }, 20*time.Second, 10*time.Millisecond)
	n, err := get.Call(t.Context(), c.counter("one"), nil)
	require.NoError(t, err)
	require.Equal(t, added+1, n)
}

// deniedParts are what a host of durable events and calls with ids may lack, and what of the subject is named.
var deniedParts = map[string]struct {
	subjects []string
	named    string
	works    bool // calls go on
}{
	"log of events":       {[]string{"troupe.log.>"}, "troupe.log.press.times.published", false},
	"reading records":     {[]string{"$JS.API.DIRECT.GET.KV_troupe-actors.>"}, "$JS.API.DIRECT.GET.KV_troupe-actors.", true},
	"reading the log":     {[]string{"$JS.API.DIRECT.GET.troupe-events", "$JS.API.DIRECT.GET.troupe-events.>"}, "$JS.API.DIRECT.GET.troupe-events", true},
	"reading subscribers": {[]string{"$JS.API.DIRECT.GET.KV_troupe-subscriptions"}, "$JS.API.DIRECT.GET.KV_troupe-subscriptions", true},
	"fetching events":     {[]string{"$JS.API.CONSUMER.MSG.NEXT.>"}, "$JS.API.CONSUMER.MSG.NEXT.troupe-events.wake", true},
	"acknowledging":       {[]string{"$JS.ACK.>"}, "$JS.ACK.troupe-events.wake.", true},
	"everything":          {[]string{"$JS.>", "$KV.>", "troupe.log.>", "troupe.answers.>", "troupe.journal.>"}, "$KV.troupe-", false},
}

// TestPartsAreDenied has a press publish, and a reader read, while something is not allowed, and after that.
func TestPartsAreDenied(t *testing.T) {
	t.Parallel()
	for name, part := range deniedParts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := startChanging(t, actorhost.Config{Lease: 2 * time.Second}, pressAndReader...)
			times, ann := troupe.GetOrCreate[press](c.client, "times"), troupe.GetOrCreate[reader](c.client, "ann")
			require.NoError(t, call(t.Context(), follow, ann, "times"))
			require.NoError(t, call(t.Context(), publish, times, 1))
			awaitSeen(t, ann, 1)

			c.deny(part.subjects...)
			published := 1
			require.Eventually(t, func() bool {
				began := time.Now()
				n, err := publish.Call(t.Context(), times, 1)
				require.Less(t, time.Since(began), 2*time.Second, "%v", err)
				switch code := codeOf(err); {
				case err == nil:
					published = n
				case !part.works && code == troupe.CodeOutcomeUnknown, code == troupe.CodeDenied:
					require.ErrorContains(t, err, part.named)
				default:
					require.NoError(t, err)
				}
				_ = c.client.Invoke(t.Context(), troupe.Invocation{ID: ann.ID(), Action: troupe.SleepAction})
				return c.logged.Contains(part.named)
			}, 20*time.Second, 50*time.Millisecond)
			if !part.works {
				c.isNamed(part.named, func() error { return call(t.Context(), publish, times, 1) })
			}

			c.deny()
			require.Eventually(t, func() bool {
				n, err := publish.Call(t.Context(), times, 1)
				if err == nil {
					require.Greater(t, n, published)
					published = n
				}
				return err == nil
			}, 20*time.Second, 10*time.Millisecond)
			require.Equal(t, pages("times", 1, published), awaitSeen(t, ann, published))
		})
	}
}

// isNamed checks that a call fails at once and says what is not allowed.
func (c *changing) isNamed(subject string, do func() error) {
	c.t.Helper()
	began := time.Now()
	err := do()
	require.Less(c.t, time.Since(began), time.Second, "the caller is told at once: %v", err)
	require.ErrorIs(c.t, err, troupe.ErrDenied)
	require.ErrorContains(c.t, err, subject)
}

// TestAStreamThatIsGoneCannotBeMade deletes streams that the host may not make again. It says so at once, and makes them when
// it may.
func TestAStreamThatIsGoneCannotBeMade(t *testing.T) {
	t.Parallel()
	takesLong(t)
	c := startChanging(t, actorhost.Config{}, counters())
	require.NoError(t, call(t.Context(), add, c.counter("a"), 1))
	nc := (&system{t: t}).connect(c.server.ClientURL(), "caller")
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	for _, name := range []string{"troupe-journal", "KV_troupe-hosts", "KV_troupe-actors"} {
		c.deny("$JS.API.STREAM.CREATE.>")
		before := len(c.logged.String())
		require.NoError(t, js.DeleteStream(t.Context(), name))
		require.Eventually(t, func() bool {
			said := c.logged.String()[before:]
			return strings.Contains(said, strings.TrimPrefix(name, "KV_")) && strings.Contains(said, "$JS.API.STREAM.CREATE."+name)
		}, 2*time.Second, time.Millisecond, c.logged.String())
		c.deny()
		require.Eventually(t, func() bool { return call(t.Context(), add, c.counter("b"), 1) == nil }, 20*time.Second, time.Millisecond)
		require.Eventually(t, func() bool {
			_, err := js.Stream(t.Context(), name)
			return err == nil
		}, 20*time.Second, time.Millisecond)
	}
}
