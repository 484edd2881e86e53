package actorhost_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/internal/wire"
)

// A lounge is a chat room: who is in it is connected.
type lounge struct{ troupe.Ref }

func (lounge) ActorType() string { return "lounge" }

var (
	enter   = troupe.NewConnector[lounge, string]()
	speak   = troupe.NewAction[lounge, string, string]("say")
	whisper = troupe.NewAction[lounge, []string, troupe.None]("whisper") // to whom, what
	present = troupe.NewAction[lounge, troupe.None, []string]("present")
	history = troupe.NewAction[lounge, troupe.None, []string]("history")
	kick    = troupe.NewAction[lounge, string, troupe.None]("kick")
	said    = troupe.NewEvent[lounge, string]("said")

	errFull = troupe.NewError("banned", "not you")
)

type loungeState struct {
	History []string
}

func (s *loungeState) enter(c *actorhost.Context, conn *actorhost.Connection, name string) error {
	if name == "mallory" {
		return errFull
	}
	if name == "oscar" {
		defer c.Disconnect(conn, "no room")
		return errors.Join(said.Send(c, conn, "sorry"), said.Send(c, conn, "no room for oscar"))
	}
	conn.SetState(name)
	s.History = append(s.History, "+"+name)
	if err := said.BroadcastExcept(c, conn, name+" is here"); err != nil {
		return err
	}
	return said.Send(c, conn, "welcome "+name)
}

func (s *loungeState) leave(c *actorhost.Context, conn *actorhost.Connection) error {
	name, _ := actorhost.ConnectionState[string](conn)
	s.History = append(s.History, "-"+name)
	return said.Broadcast(c, name+" has left")
}

// say answers who the caller is.
func (s *loungeState) say(c *actorhost.Context, text string) (string, error) {
	name, conn := "nobody", (*actorhost.Connection)(nil)
	if by, ok := c.Connection(); ok {
		conn = by
		name, _ = actorhost.ConnectionState[string](by)
	}
	return name, said.BroadcastExcept(c, conn, name+": "+text)
}

func (s *loungeState) find(c *actorhost.Context, name string) *actorhost.Connection {
	for _, conn := range c.Connections() {
		if found, _ := actorhost.ConnectionState[string](conn); found == name {
			return conn
		}
	}
	return nil
}

func (s *loungeState) whisper(c *actorhost.Context, words []string) error {
	return said.Send(c, s.find(c, words[0]), words[1])
}

func (s *loungeState) kick(c *actorhost.Context, name string) error {
	c.Disconnect(s.find(c, name), "out with "+name)
	return nil
}

func (s *loungeState) present(c *actorhost.Context) ([]string, error) {
	var names []string
	for _, conn := range c.Connections() {
		name, _ := actorhost.ConnectionState[string](conn)
		names = append(names, name)
	}
	return names, nil
}

var lounges = actorhost.Define(func() loungeState { return loungeState{} },
	actorhost.OnConnect(enter, (*loungeState).enter),
	actorhost.On(speak, (*loungeState).say),
	actorhost.On(whisper, actorhost.NoOut((*loungeState).whisper)),
	actorhost.On(kick, actorhost.NoOut((*loungeState).kick)),
	actorhost.On(present, actorhost.NoIn((*loungeState).present)),
	actorhost.On(history, actorhost.NoIn(func(s *loungeState, _ *actorhost.Context) ([]string, error) { return s.History, nil }))).
	OnDisconnect((*loungeState).leave).
	Config(actorhost.TypeConfig{SleepAfter: time.Second})

// guest is a program that is connected with a lounge and notes what it hears.
type guest struct {
	*troupe.Connection[lounge]

	mu     sync.Mutex
	heard  []string
	status []troupe.StatusChange
}

func newGuest(t *testing.T, c *client.Client, name string) *guest {
	t.Helper()
	g := &guest{}
	var err error
	g.Connection, err = enter.Connect(t.Context(), troupe.GetOrCreate[lounge](c, "main"), name,
		troupe.OnStatus(func(change troupe.StatusChange) {
			g.mu.Lock()
			defer g.mu.Unlock()
			g.status = append(g.status, change)
		}),
		said.On(func(_ context.Context, text string) error {
			g.mu.Lock()
			defer g.mu.Unlock()
			g.heard = append(g.heard, text)
			return nil
		}))
	require.NoError(t, err)
	return g
}

func (g *guest) hears(t *testing.T, want ...string) {
	t.Helper()
	var got []string
	require.Eventually(t, func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		got = slices.Clone(g.heard)
		return len(got) >= len(want)
	}, 20*time.Second, time.Millisecond)
	require.Equal(t, want, got)
}

// awaitStatus waits for the last change of a connection's status.
func (g *guest) awaitStatus(t *testing.T, want troupe.Status) troupe.StatusChange {
	t.Helper()
	var last troupe.StatusChange
	require.Eventually(t, func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		if len(g.status) == 0 {
			return false
		}
		last = g.status[len(g.status)-1]
		return last.Status == want
	}, 30*time.Second, time.Millisecond)
	return last
}

func TestConnectionsTalk(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, lounges)
	room := troupe.GetOrCreate[lounge](b.Client, "main")
	ann := newGuest(t, b.Client, "ann")
	bob := newGuest(t, b.NewClient(client.Config{}), "bob")
	_, err := enter.Connect(t.Context(), room, "mallory")
	require.ErrorIs(t, err, errFull)

	who, err := speak.Call(t.Context(), ann.Actor(), "hello")
	require.NoError(t, err)
	require.Equal(t, "ann", who)
	who, err = speak.Call(t.Context(), room, "psst")
	require.NoError(t, err)
	require.Equal(t, "nobody", who)
	require.NoError(t, call(t.Context(), whisper, room, []string{"bob", "to you alone"}))
	require.ErrorIs(t, call(t.Context(), whisper, room, []string{"nobody", "hello?"}), troupe.ErrDisconnected)
	require.NoError(t, call(t.Context(), kick, room, "nobody"))
	who, err = speak.Call(t.Context(), bob.Actor(), "hi")
	require.NoError(t, err)
	require.Equal(t, "bob", who)
	ann.hears(t, "welcome ann", "bob is here", "nobody: psst", "bob: hi")
	bob.hears(t, "welcome bob", "ann: hello", "nobody: psst", "to you alone")

	names, err := present.Call(t.Context(), room, nil)
	require.NoError(t, err)
	require.Equal(t, []string{"ann", "bob"}, names)
	require.NoError(t, bob.Close(t.Context()))
	require.ErrorIs(t, bob.Err(), troupe.ErrDisconnected)
	_, err = speak.Call(t.Context(), bob.Actor(), "still here?")
	require.ErrorIs(t, err, troupe.ErrDisconnected)
	names, err = present.Call(t.Context(), room, nil)
	require.NoError(t, err)
	require.Equal(t, []string{"ann"}, names)

	require.NoError(t, call(t.Context(), kick, room, "ann"))
	<-ann.Done()
	require.ErrorContains(t, ann.Err(), "out with ann")
	require.Equal(t, troupe.StatusClosed, ann.awaitStatus(t, troupe.StatusClosed).Status)
	require.Eventually(t, func() bool {
		log, err := history.Call(t.Context(), room, nil)
		require.NoError(t, err)
		return slices.Equal(log, []string{"+ann", "+bob", "-bob", "-ann"})
	}, 10*time.Second, time.Millisecond)
}

func TestLastWordOfAConnectionIsHeard(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, lounges)
	ended, heard := make(chan struct{}), make(chan string, 2)
	conn, err := enter.Connect(t.Context(), troupe.GetOrCreate[lounge](b.Client, "main"), "oscar",
		said.On(func(_ context.Context, text string) error {
			<-ended // so the second one waits while the connection ends
			heard <- text
			return nil
		}))
	require.NoError(t, err)
	<-conn.Done()
	require.ErrorContains(t, conn.Err(), "no room")
	close(ended)
	require.Equal(t, "sorry", <-heard)
	select {
	case text := <-heard:
		require.Equal(t, "no room for oscar", text)
	case <-time.After(10 * time.Second):
		require.Fail(t, "the last word was not heard")
	}
}

func TestConnectionComesBackOnAnotherHost(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"stopped", "killed"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			b := hosttest.Start(t)
			first := b.Host(lounges)
			ann := newGuest(t, b.Client, "ann")
			b.Host(lounges)
			if how == "killed" {
				b.Kill(first)
			} else {
				b.Stop(first)
			}
			who, err := speak.Call(t.Context(), ann.Actor(), "hello") // which waits until the connection is back
			require.NoError(t, err)
			require.Equal(t, "ann", who)
			back := ann.awaitStatus(t, troupe.StatusConnected)
			require.True(t, back.Restarted)
			log, err := history.Call(t.Context(), ann.Actor(), nil)
			require.NoError(t, err)
			want := []string{"+ann", "-ann", "+ann"}
			if how == "killed" {
				want = []string{"+ann", "+ann"}
			}
			require.Equal(t, want, log)
			require.NoError(t, ann.Close(t.Context()))
		})
	}
}

// In virtual time, so it must not be parallel.
func TestConnectionKeepsItsActorAwakeUntilItsClientDies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := hosttest.Start(t)
		host := b.Host(lounges)
		nc := b.Connect()
		doomed, err := client.New(nc, client.Config{})
		require.NoError(t, err)
		defer doomed.Close(t.Context())
		ann := newGuest(t, doomed, "ann")
		time.Sleep(time.Minute) //nolint:forbidigo // virtual time
		require.Equal(t, 1, host.Active(), "it fell asleep under a connection")
		nc.Close()
		time.Sleep(15 * time.Second) //nolint:forbidigo // virtual time
		log, err := history.Call(t.Context(), troupe.GetOrCreate[lounge](b.Client, "main"), nil)
		require.NoError(t, err)
		require.Equal(t, []string{"+ann", "-ann"}, log)
		time.Sleep(3 * time.Second) //nolint:forbidigo // virtual time
		require.Zero(t, host.Active())
		require.Equal(t, troupe.StatusClosed, ann.Status())
	})
}

// In virtual time, so it must not be parallel.
func TestConnectionThatIsGivenUpEndsAtTheNextPing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := hosttest.Start(t, lounges)
		ann, bob := newGuest(t, b.Client, "ann"), newGuest(t, b.Client, "bob")
		late, cancel := context.WithCancel(t.Context())
		cancel()
		require.Error(t, ann.Close(late))
		synctest.Wait()
		names, err := present.Call(t.Context(), bob.Actor(), nil)
		require.NoError(t, err)
		require.Equal(t, []string{"ann", "bob"}, names)
		time.Sleep(6 * time.Second) //nolint:forbidigo // virtual time
		names, err = present.Call(t.Context(), bob.Actor(), nil)
		require.NoError(t, err)
		require.Equal(t, []string{"bob"}, names)
		bob.hears(t, "welcome bob", "ann has left")
	})
}

func TestConnectionOutlivesThatOfNATS(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, lounges)
	nc := b.Connect()
	program, err := client.New(nc, client.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, program.Close(context.Background())) })
	ann := newGuest(t, program, "ann")
	require.NoError(t, nc.ForceReconnect())
	again := ann.awaitStatus(t, troupe.StatusConnected)
	require.False(t, again.Restarted)
	who, err := speak.Call(t.Context(), ann.Actor(), "hello")
	require.NoError(t, err)
	require.Equal(t, "ann", who)
	require.NoError(t, call(t.Context(), whisper, troupe.GetOrCreate[lounge](b.Client, "main"), []string{"ann", "psst"}))
	ann.hears(t, "welcome ann", "psst")
	log, err := history.Call(t.Context(), ann.Actor(), nil)
	require.NoError(t, err)
	require.Equal(t, []string{"+ann"}, log)
	require.NoError(t, program.Close(t.Context()))
	require.ErrorIs(t, ann.Err(), troupe.ErrDisconnected)
}

// A program that knows nothing but the route reaches the actor through whichever host it meets.
func TestConnectionByWayOfOtherHosts(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	for range 3 {
		b.Host(lounges)
	}
	nc := b.Connect()
	inbox := nc.NewInbox()
	welcomed, err := nc.SubscribeSync(inbox + ".*.said")
	require.NoError(t, err)
	request := func(action, id, body string) *nats.Msg {
		msg := nats.NewMsg("troupe.route.lounge.main." + action)
		msg.Header.Set(wire.HeaderContentType, "application/json")
		msg.Header.Set(wire.HeaderConnection, id)
		msg.Header.Set(wire.HeaderInbox, inbox)
		msg.Data = []byte(body)
		reply, err := nc.RequestMsg(msg, 10*time.Second)
		require.NoError(t, err)
		require.Empty(t, reply.Header.Get(wire.HeaderErrorCode), string(reply.Data))
		return reply
	}
	for i := range 20 {
		id := fmt.Sprint("c", i)
		request(wire.ConnectAction, id, fmt.Sprintf("%q", id))
		msg, err := welcomed.NextMsg(10 * time.Second)
		require.NoError(t, err)
		require.Equal(t, inbox+"."+id+".said", msg.Subject)
		require.Equal(t, fmt.Sprintf("%q", id), string(request("say", id, `"hello"`).Data))
	}
	names, err := present.Call(t.Context(), troupe.GetOrCreate[lounge](b.Client, "main"), nil)
	require.NoError(t, err)
	require.Len(t, names, 20)
}

func TestConnectionsOfManyLounges(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, lounges)
	var all sync.WaitGroup
	for i := range 100 {
		all.Go(func() {
			conn, err := enter.Connect(t.Context(), troupe.GetOrCreate[lounge](b.Client, fmt.Sprint(i%10)), fmt.Sprint(i))
			if err == nil {
				var who string
				if who, err = speak.Call(t.Context(), conn.Actor(), "hello"); err == nil && who != fmt.Sprint(i) {
					err = errors.New("it is taken for " + who)
				}
				err = errors.Join(err, conn.Close(t.Context()))
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}
