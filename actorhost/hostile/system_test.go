package hostile_test

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/bustest"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/pause"
	"github.com/troupe-go/troupe/internal/wire"
)

func TestMain(m *testing.M) { bustest.Main(m) }

// A room belongs to the tenant that its key begins with.
type room struct{ troupe.Ref }

func (room) ActorType() string { return "room" }

var (
	say  = troupe.NewAction[room, []byte, int]("say")         // is stored
	read = troupe.NewAction[room, troupe.None, int]("read")   // changes nothing
	rest = troupe.NewAction[room, time.Duration, int]("rest") // keeps the room busy
	peek = troupe.NewAction[room, troupe.None, int]("peek")   // of rooms that exist
	fail = troupe.NewAction[room, troupe.None, int]("break")  // panics
)

type roomState struct{ Said int }

func rooms() actorhost.Definition {
	count := func(s *roomState, _ *actorhost.Context) (int, error) { return s.Said, nil }
	return actorhost.Define(func() roomState { return roomState{} },
		actorhost.On(say, func(s *roomState, _ *actorhost.Context, _ []byte) (int, error) { s.Said++; return s.Said, nil }),
		actorhost.On(read, actorhost.NoIn(count)),
		actorhost.On(peek, actorhost.NoIn(count)).IfExists(),
		actorhost.On(fail, actorhost.NoIn(func(*roomState, *actorhost.Context) (int, error) { panic("it fails") })),
		actorhost.On(rest, func(s *roomState, c *actorhost.Context, d time.Duration) (int, error) {
			pause.For(c, d)
			return s.Said, nil
		}),
	)
}

// system is a server with one host and two tenants: mallory, who does harm, and victim.
type system struct {
	url    string
	host   *actorhost.Host
	nc     *nats.Conn // the host's
	log    *bustest.Log
	victim *client.Client
}

const mallory, victim = "mallory", "victim"

func start(tb testing.TB, config actorhost.Config) *system {
	tb.Helper()
	users := []*server.User{{Username: "host", Password: "p", Permissions: &server.Permissions{
		Publish: &server.SubjectPermission{Deny: []string{"_INBOX.nobody*", "_INBOX.nobody*.>"}},
	}}}
	for _, tenant := range []string{mallory, victim} {
		users = append(users, &server.User{Username: tenant, Password: "p", Permissions: tenantOf(tenant)})
	}
	srv := bustest.Serve(tb, &server.Options{NoLog: true, JetStream: true, StoreDir: tb.TempDir(), Users: users})
	s := &system{url: srv.ClientURL(), log: new(bustest.Log)}
	s.nc = s.connect(tb, "host")
	config.Logger = slog.New(slog.NewTextHandler(s.log, nil))
	var err error
	s.host, err = actorhost.Start(tb.Context(), s.nc, config, rooms())
	require.NoError(tb, err)
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		require.NoError(tb, s.host.Stop(ctx))
	})
	s.victim = s.client(tb, victim)
	return s
}

// tenantOf is what a tenant may do: what deploy/auth.conf allows to one, with all actions of rooms.
func tenantOf(tenant string) *server.Permissions {
	return &server.Permissions{
		Publish: &server.SubjectPermission{Allow: []string{
			"troupe.call.room." + tenant + ".>", "troupe.route.room." + tenant + ".>",
		}},
		Subscribe: &server.SubjectPermission{Allow: []string{
			"_INBOX." + tenant + ".>", "troupe.event.room." + tenant + ".>", "troupe.replaced.actors",
		}},
		Response: &server.ResponsePermission{MaxMsgs: 1, Expires: 10 * time.Second},
	}
}

func (s *system) connect(tb testing.TB, user string) *nats.Conn {
	tb.Helper()
	nc, err := bus.Connect(tb.Context(), bus.Config{
		URL: s.url, User: user, Password: "p", Name: user, InboxPrefix: "_INBOX." + user, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(tb, err)
	tb.Cleanup(nc.Close)
	return nc
}

func (s *system) client(tb testing.TB, user string) *client.Client {
	tb.Helper()
	cl, err := client.New(s.connect(tb, user), client.Config{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, cl.Close(context.Background())) })
	return cl
}

// sample is what a victim has measured.
type sample struct {
	mu   sync.Mutex
	took []time.Duration
	errs map[troupe.Code]int
}

func (s *sample) add(took time.Duration, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.took = append(s.took, took)
	if err != nil {
		s.errs[errs.As(err).Code]++
	}
}

func (s *sample) calls() int { return len(s.took) }

// percentile is for when all is measured.
func (s *sample) percentile(p int) time.Duration {
	if len(s.took) == 0 {
		return 0
	}
	slices.Sort(s.took)
	return s.took[min(len(s.took)-1, len(s.took)*p/100)].Round(time.Microsecond)
}

// callTime is how long the victim waits for an answer.
const callTime = 10 * time.Second

// measure has the victim call its rooms for a time: four callers, half of the calls are stored.
func (s *system) measure(ctx context.Context, d time.Duration) *sample {
	m := &sample{errs: make(map[troupe.Code]int)}
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	var callers errgroup.Group
	for n := range 4 {
		callers.Go(func() error {
			own := troupe.GetOrCreate[room](s.victim, victim, string(rune('a'+n)))
			for i := 0; ctx.Err() == nil; i++ {
				one, stop := context.WithTimeout(context.WithoutCancel(ctx), callTime)
				began := time.Now()
				var err error
				if i%2 == 0 {
					_, err = read.Call(one, own, nil)
				} else {
					_, err = say.Call(one, own, []byte("x"))
				}
				m.add(time.Since(began), err)
				stop()
			}
			return nil
		})
	}
	_ = callers.Wait()
	return m
}

// told is what the host says of a tenant.
func (s *system) told(tb testing.TB, tenant string) wire.TenantInfo {
	tb.Helper()
	var reply *nats.Msg
	require.Eventually(tb, func() (ok bool) { // what the attack has left may fill the connection for a while
		var err error
		reply, err = s.nc.Request("troupe.host."+s.host.ID()+".info", nil, callTime)
		return err == nil
	}, callTime, 10*time.Millisecond)
	var info wire.HostInfo
	require.NoError(tb, codec.MsgPack.Unmarshal(reply.Data, &info))
	for _, one := range info.Tenants {
		if one.Tenant == tenant {
			return one
		}
	}
	return wire.TenantInfo{}
}
