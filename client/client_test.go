package client_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/wire"
)

type shelf struct{ troupe.Ref }

func (shelf) ActorType() string { return "shelf" }

type book struct {
	Title string    `json:"title"`
	Pages int       `json:"pages"`
	Cover []byte    `json:"cover,omitempty"`
	Added time.Time `json:"added"`
}

var (
	put   = troupe.NewAction[shelf, book, int]("put")
	books = troupe.NewAction[shelf, troupe.None, []book]("books")
	wait  = troupe.NewAction[shelf, troupe.None, troupe.None]("wait")
	added = troupe.NewEvent[shelf, book]("added")
)

type shelfState struct {
	Books []book `json:"books"`
}

var shelves = actorhost.Define(func() shelfState { return shelfState{} },
	actorhost.On(put, func(s *shelfState, c *actorhost.Context, b book) (int, error) {
		s.Books = append(s.Books, b)
		return len(s.Books), added.Broadcast(c, b)
	}),
	actorhost.On(books, actorhost.NoIn(func(s *shelfState, _ *actorhost.Context) ([]book, error) { return s.Books, nil })),
	actorhost.On(wait, actorhost.NoInNoOut(func(_ *shelfState, c *actorhost.Context) error { <-c.Done(); return nil })))

var moby = book{Title: "Moby-Dick", Pages: 635, Cover: []byte{0, 1, 255}, Added: time.Date(1851, 10, 18, 9, 30, 0, 0, time.UTC)}

func TestEveryCodecSaysTheSame(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, shelves)
	for _, as := range []codec.Codec{codec.MsgPack, codec.JSON} {
		cl := b.NewClient(client.Config{Codec: as})
		ref := troupe.GetOrCreate[shelf](cl, as.ContentType())
		heard := make(chan book, 1)
		sub, err := added.Subscribe(t.Context(), ref, func(_ context.Context, b book) error { heard <- b; return nil })
		require.NoError(t, err)
		count, err := put.Call(t.Context(), ref, moby)
		require.NoError(t, err)
		require.Equal(t, 1, count)
		require.Equal(t, moby, <-heard)
		require.NoError(t, sub.Unsubscribe())
		got, err := books.Call(t.Context(), ref, nil)
		require.NoError(t, err)
		require.Equal(t, []book{moby}, got)

		var untyped []map[string]any
		require.NoError(t, cl.Actor("shelf", as.ContentType()).Call(t.Context(), "books", nil, &untyped))
		require.Equal(t, "Moby-Dick", untyped[0]["title"])
		require.Equal(t, int64(635), untyped[0]["pages"])
		var wrong int
		require.ErrorIs(t, cl.Actor("shelf", as.ContentType()).Call(t.Context(), "books", nil, &wrong), troupe.ErrInternal)
	}
}

func TestNamespacesNeverMeet(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	b.HostWith(actorhost.Config{Namespace: "red"}, shelves)
	b.HostWith(actorhost.Config{Namespace: "blue"}, shelves)
	red, blue := b.NewClient(client.Config{Namespace: "red"}), b.NewClient(client.Config{Namespace: "blue"})
	_, err := put.Call(t.Context(), troupe.GetOrCreate[shelf](red, "a"), moby)
	require.NoError(t, err)
	_, err = books.Call(t.Context(), troupe.Get[shelf](blue, "a"), nil)
	require.ErrorIs(t, err, troupe.ErrNotFound)
	_, err = books.Call(t.Context(), troupe.Get[shelf](b.Client, "a"), nil)
	require.ErrorIs(t, err, troupe.ErrUnknownType)
}

// TestHostRestarts has a client that has never reached a host meet one that is away.
func TestHostRestarts(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	host := b.Host(shelves)
	_, err := put.Call(t.Context(), troupe.GetOrCreate[shelf](b.Client, "a"), moby)
	require.NoError(t, err)
	b.Stop(host)

	late := troupe.GetOrCreate[shelf](b.NewClient(client.Config{}), "b")
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err = put.Call(ctx, late, moby)
	require.ErrorIs(t, err, troupe.ErrUnavailable, "there are actors of the type")
	failed, ok := errors.AsType[*troupe.Error](err)
	require.True(t, ok && failed.Retryable)

	var count int
	fresh := b.NewClient(client.Config{})
	done := make(chan error, 1)
	go func() {
		var err error
		count, err = put.Call(t.Context(), troupe.GetOrCreate[shelf](fresh, "a"), moby)
		done <- err
	}()
	require.Eventually(t, func() bool { return fresh.Resent() > 0 }, 10*time.Second, time.Millisecond)
	b.Host(shelves)
	require.NoError(t, <-done)
	require.Equal(t, 2, count)
	_, err = misspelt.Call(t.Context(), troupe.GetOrCreate[shlef](fresh, "a"), moby)
	require.ErrorIs(t, err, troupe.ErrUnknownType)
}

func TestCloseEndsWhatWaits(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	host := b.Host(shelves)
	cl := b.NewClient(client.Config{})
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second) // the action ends with it
	defer cancel()
	waiting := make(chan error, 1)
	go func() {
		_, err := wait.Call(ctx, troupe.GetOrCreate[shelf](cl, "a"), nil)
		waiting <- err
	}()
	require.Eventually(t, func() bool { return host.Active() == 1 }, 5*time.Second, time.Millisecond)
	require.NoError(t, cl.Close(t.Context()))
	require.ErrorIs(t, <-waiting, troupe.ErrOutcomeUnknown, "it was sent")
	_, err := books.Call(t.Context(), troupe.GetOrCreate[shelf](cl, "a"), nil)
	require.ErrorIs(t, err, troupe.ErrUnavailable)
	_, err = added.Subscribe(t.Context(), troupe.GetOrCreate[shelf](cl, "a"), func(context.Context, book) error { return nil })
	require.ErrorIs(t, err, troupe.ErrUnavailable)
}

func TestCallsFailAtOnceWithoutAServer(t *testing.T) {
	t.Parallel()
	server, err := bus.StartServer(bus.ServerConfig{Memory: true})
	require.NoError(t, err)
	nc, err := bus.Connect(t.Context(), bus.Config{URL: server.URL()})
	require.NoError(t, err)
	defer nc.Close()
	cl, err := client.New(nc, client.Config{})
	require.NoError(t, err)
	server.Shutdown()
	require.Eventually(t, nc.IsReconnecting, 10*time.Second, time.Millisecond)

	began := time.Now()
	_, err = put.Call(t.Context(), troupe.GetOrCreate[shelf](cl, "a"), moby)
	var failed *troupe.Error
	require.ErrorAs(t, err, &failed)
	require.Equal(t, troupe.CodeUnavailable, failed.Code)
	require.True(t, failed.Retryable, "nothing was sent, and nothing is kept to be sent later")
	require.Less(t, time.Since(began), 5*time.Second)
}

func TestCallerWhoGivesUpDoesNotKnowTheOutcome(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	host := b.Host(shelves.Config(actorhost.TypeConfig{ActionTimeout: 2 * time.Second}))
	ctx, cancel := context.WithCancel(t.Context())
	waiting := make(chan error, 1)
	go func() {
		_, err := wait.Call(ctx, troupe.GetOrCreate[shelf](b.Client, "a"), nil)
		waiting <- err
	}()
	require.Eventually(t, func() bool { return host.Active() == 1 }, 5*time.Second, time.Millisecond)
	cancel()
	err := <-waiting
	require.ErrorIs(t, err, troupe.ErrOutcomeUnknown)
	require.ErrorIs(t, err, context.Canceled)
	_, err = put.Call(ctx, troupe.GetOrCreate[shelf](b.Client, "a"), moby)
	require.ErrorIs(t, err, troupe.ErrCanceled, "it was not even sent")
	require.ErrorIs(t, err, context.Canceled)
}

func TestDefaultsAreThoseOfTheWire(t *testing.T) {
	t.Parallel()
	require.Equal(t, client.DefaultTimeout, wire.DefaultTimeout)
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	require.Equal(t, client.DefaultNamespace, ns.Name())
}

func TestWrongConfig(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	_, err := client.New(b.Connect(), client.Config{Namespace: "a.b"})
	require.ErrorIs(t, err, troupe.ErrBadInput)
	_, err = client.New(b.Connect(), client.Config{Timeout: -1})
	require.ErrorContains(t, err, "negative")
	_, err = client.New(b.Connect(), client.Config{EventQueue: -1})
	require.ErrorContains(t, err, "negative")
}
