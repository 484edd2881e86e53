package main

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/examples/internal/stage/stagetest"
	"github.com/troupe-go/troupe/examples/mail/office"
)

func TestMain(m *testing.M) { hosttest.Main(m) }

func TestProgram(t *testing.T) {
	t.Parallel()
	stagetest.RunTwice(t, run)
	stagetest.Take(t, tour, actors...)
}

func TestLetterIsSentOnce(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, actors...)
	mailer, shop := troupe.GetOrCreate[office.Mailer](b.Client, mainKey), troupe.GetOrCreate[office.Shop](b.Client, mainKey)
	_, err := office.Order.Call(t.Context(), shop, office.Purchase{Customer: "anna@example.com", Pieces: 1})
	require.NoError(t, err)
	_, err = office.Order.Call(t.Context(), shop, office.Purchase{Customer: "ben@example.com"})
	require.ErrorIs(t, err, office.ErrEmpty)
	require.NoError(t, office.Send.Push(t.Context(), mailer, office.Letter{To: "carla@example.com", Text: urgent}))
	require.NoError(t, office.Send.Push(t.Context(), mailer, office.Letter{To: "dora@example.com"}, troupe.NotBefore(b.Now().Add(time.Hour))))
	require.NoError(t, office.Send.Push(t.Context(), mailer, office.Letter{Text: "no address"}))
	b.Advance(time.Hour + time.Minute)
	var last troupe.DeadLetter[office.Letter]
	for letter, err := range office.Send.Dead(t.Context(), mailer) {
		require.NoError(t, err)
		require.Empty(t, last.ID, "one is dead")
		last = letter
	}
	require.Equal(t, "no_address: a letter needs an address", last.Error)
	_, err = office.Repair.Call(t.Context(), mailer, "lost@example.com")
	require.NoError(t, err)
	found, err := office.Send.Retry(t.Context(), mailer, last.ID)
	require.NoError(t, err)
	require.True(t, found)
	sent := make(chan office.Delivery, 1)
	b.Advance(time.Minute)
	_, err = office.Sent.Subscribe(t.Context(), mailer, func(_ context.Context, d office.Delivery) error { sent <- d; return nil })
	require.NoError(t, err)
	require.NoError(t, office.Send.Push(t.Context(), mailer, office.Letter{To: "eve@example.com"}))
	b.Advance(time.Second)
	require.Equal(t, 5, (<-sent).Sent, "four before this one")
}
