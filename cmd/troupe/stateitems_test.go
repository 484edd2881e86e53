package main

import (
	"context"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/internal/bustest"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// drawer has a Map.
type drawer struct{ troupe.Ref }

func (drawer) ActorType() string { return "drawer" }

var keep = troupe.NewAction[drawer, string, troupe.None]("keep")

type drawerState struct {
	Kept   int                            `json:"kept"`
	Things actorhost.Map[string, message] `json:"things"`
	Order  actorhost.Map[int, string]     `json:"order"`
}

func (s *drawerState) keep(c *actorhost.Context, thing string) error {
	s.Kept++
	if err := s.Order.Set(c, s.Kept, thing); err != nil {
		return err
	}
	return s.Things.Set(c, thing, message{From: "ann", Text: thing})
}

func TestStateItems(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	p := at(server.URL())
	nc, err := server.Connect(bus.Config{})
	require.NoError(t, err)
	defer nc.Close()
	host, err := actorhost.Start(t.Context(), nc, actorhost.Config{Logger: slog.New(slog.DiscardHandler)},
		actorhost.Define(func() drawerState { return drawerState{} }, actorhost.On(keep, actorhost.NoOut((*drawerState).keep))))
	require.NoError(t, err)
	defer func() { require.NoError(t, host.Stop(context.WithoutCancel(t.Context()))) }()
	for _, thing := range []string{"b/ c", "a", "a"} {
		require.Equal(t, exitOK, p.run(t.Context(), "call", "drawer", "top", "keep", `"`+thing+`"`).code)
	}
	const things = `{"key":"a","value":{"from":"ann","text":"a"}}` + "\n" + `{"key":"b/ c","value":{"from":"ann","text":"b/ c"}}` + "\n"
	items := func() {
		t.Helper()
		require.Equal(t, result{exitOK, things, ""}, p.run(t.Context(), "state", "get", "drawer", "top", "--items", "things"))
		require.Equal(t, result{exitOK, `{"kept":3}` + "\n", ""}, p.run(t.Context(), "state", "get", "drawer", "top"))
		require.Contains(t, p.run(t.Context(), "state", "get", "drawer", "top", "--json").out, `"maps":{"order":3,"things":2}`)
		require.Equal(t, result{exitOK, "", ""}, p.run(t.Context(), "state", "get", "drawer", "top", "--items", "none"))
	}
	items()
	require.Equal(t, exitOK, p.run(t.Context(), "sleep", "drawer", "top").code)
	items()
	require.Equal(t, exitUsage, p.run(t.Context(), "state", "get", "drawer", "top", "--items", "things", "--raw").code)
	require.Regexp(t, `(?m)^drawer +top `, p.run(t.Context(), "ls").out, "items are no actors")
	require.NotContains(t, p.run(t.Context(), "ls").out, "things")

	// A host that has died as it removed the items of an actor leaves them behind.
	require.NotContains(t, p.run(t.Context(), "doctor").out, "items of")
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	records, err := store.OpenRecords(t.Context(), nc, ns, store.Settings{})
	require.NoError(t, err)
	defer records.Close()
	gone, done := bustest.NewID(t, "drawer", "gone"), make(chan store.Outcome, 1)
	left := record.Item{ItemKey: record.ItemKey{Map: "things", Key: "x"}, Version: record.Version{Epoch: 5, Change: 1}, Value: []byte{1}}
	require.NoError(t, records.WriteItem(gone, record.SentItem{Item: left}, func(o store.Outcome) { done <- o }))
	require.NoError(t, (<-done).Err)
	require.Contains(t, p.run(t.Context(), "doctor").out, "1 items of 1 actors that are destroyed")
	require.Equal(t, exitOK, p.run(t.Context(), "doctor", "--repair").code)
	require.NotContains(t, p.run(t.Context(), "doctor").out, "items of")
	items()
}
