package main

import (
	"context"
	"log/slog"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
)

// shelf is an actor type with a state of every kind of value.
type shelf struct{ troupe.Ref }

func (shelf) ActorType() string { return "shelf" }

type things struct {
	Big    uint64
	Small  int64
	Exact  int64
	Data   []byte
	None   []byte
	At     time.Time
	Ratio  float64
	Whole  float64
	Single float32
	Counts map[int]string
	Names  map[string]time.Time
	List   []things `json:",omitempty"`
}

var (
	fill  = troupe.NewAction[shelf, troupe.None, things]("fill")
	put   = troupe.NewAction[shelf, things, things]("put")
	spoil = troupe.NewAction[shelf, troupe.None, troupe.None]("spoil")
)

type shelfState struct {
	Things things
	Floats []float64
	Text   string
	Keys   map[string]int
}

func shelves() actorhost.Definition {
	at := time.Date(2026, 11, 29, 6, 0, 0, 123456789, time.UTC)
	full := things{
		Big: math.MaxUint64, Small: math.MinInt64, Exact: 1<<53 + 1, Data: []byte("\xff\x00a"), None: []byte{}, At: at,
		Ratio: 0.1, Whole: 3, Single: 0.1, Counts: map[int]string{-5: "a", 7: "b"}, Names: map[string]time.Time{"x": at},
	}
	full.List = []things{full}
	return actorhost.Define(func() shelfState { return shelfState{} },
		actorhost.On(fill, func(s *shelfState, _ *actorhost.Context, _ troupe.None) (things, error) {
			s.Things = full
			return full, nil
		}),
		actorhost.On(put, func(s *shelfState, _ *actorhost.Context, in things) (things, error) {
			s.Things = in
			return in, nil
		}),
		actorhost.On(spoil, actorhost.NoInNoOut(func(s *shelfState, _ *actorhost.Context) error {
			s.Floats = []float64{math.NaN(), math.Inf(1), math.Inf(-1), 1}
			s.Text, s.Keys = "a\x00", map[string]int{"": 1, "k": 2}
			return nil
		})),
	)
}

// TestJSONInAndOut: what is printed can be given back, and nothing changes on the way.
func TestJSONInAndOut(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	host, err := actorhost.Start(t.Context(), connect(t, server), actorhost.Config{Logger: slog.New(slog.DiscardHandler)}, shelves())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, host.Stop(context.WithoutCancel(t.Context()))) })
	p := at(server.URL())
	same := func() {
		t.Helper()
		before := p.run(t.Context(), "state", "get", "shelf", "a", "--raw").out
		state := p.run(t.Context(), "state", "get", "shelf", "a").out
		got := p.reading(state).run(t.Context(), "state", "set", "shelf", "a", "--yes")
		require.Equal(t, exitOK, got.code, got.err)
		require.Equal(t, state, p.run(t.Context(), "state", "get", "shelf", "a").out)
		require.Equal(t, before, p.run(t.Context(), "state", "get", "shelf", "a", "--raw").out, "not a byte is lost")
	}
	full := p.run(t.Context(), "call", "shelf", "a", "fill")
	require.Equal(t, exitOK, full.code, full.err)
	same()
	got := p.reading(full.out).run(t.Context(), "call", "shelf", "a", "put")
	require.Equal(t, full, got, "an output is an input")
	same()
	require.Equal(t, exitOK, p.run(t.Context(), "call", "shelf", "a", "spoil").code)
	same()
	state := p.run(t.Context(), "state", "get", "shelf", "a").out
	require.Contains(t, state, `"Floats":["NaN","Infinity","-Infinity",1],"Text":"a\u0000"`)
}
