package actorhost_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// profile is an actor type whose state has changed: first has a program before the change, second one after it.
type profile struct{ troupe.Ref }

func (profile) ActorType() string { return "profile" }

var (
	rename   = troupe.NewAction[profile, string, troupe.None]("rename")
	settle   = troupe.NewAction[profile, string, troupe.None]("settle")
	showOld  = troupe.NewAction[profile, troupe.None, firstProfile]("showOld")
	showNew  = troupe.NewAction[profile, troupe.None, secondProfile]("showNew")
	setQuota = troupe.NewAction[profile, int, troupe.None]("setQuota")
)

type firstProfile struct {
	Name  string           `json:"name"`
	Age   int              `json:"age"`
	Homes map[string]first `json:"homes"`
}

type first struct {
	City string `json:"city"`
}

// secondProfile has no age any more, and more about homes.
type secondProfile struct {
	Name  string            `json:"name"`
	Homes map[string]second `json:"homes"`
	Quota map[string]int    `json:"quota"`
}

type second struct {
	City    string `json:"city"`
	Country string `json:"country"`
}

func firstProfiles() actorhost.Definition {
	return actorhost.Define(func() firstProfile { return firstProfile{Age: 30, Homes: map[string]first{}} },
		actorhost.On(rename, actorhost.NoOut(func(s *firstProfile, _ *actorhost.Context, name string) error {
			s.Name = name
			return nil
		})),
		actorhost.On(settle, actorhost.NoOut(func(s *firstProfile, _ *actorhost.Context, city string) error {
			s.Homes["main"] = first{city}
			return nil
		})),
		actorhost.On(showOld, actorhost.NoIn(func(s *firstProfile, _ *actorhost.Context) (firstProfile, error) { return *s, nil })))
}

func secondProfiles() actorhost.Definition {
	return actorhost.Define(
		func() secondProfile {
			return secondProfile{Homes: map[string]second{}, Quota: map[string]int{"default": 5}}
		},
		actorhost.On(settle, actorhost.NoOut(func(s *secondProfile, _ *actorhost.Context, country string) error {
			home := s.Homes["main"]
			home.Country = country
			s.Homes["main"] = home
			return nil
		})),
		actorhost.On(setQuota, actorhost.NoOut(func(s *secondProfile, _ *actorhost.Context, n int) error {
			s.Quota["default"] = n
			return nil
		})),
		actorhost.On(showNew, actorhost.NoIn(func(s *secondProfile, _ *actorhost.Context) (secondProfile, error) { return *s, nil })))
}

// TestOlderAndNewerProgramsShareAnActor moves an actor to and fro between a program and its successor, as a rolling
// deployment does, and back when it is undone.
func TestOlderAndNewerProgramsShareAnActor(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	p := troupe.GetOrCreate[profile](b.Client, "ann")
	on := func(definition actorhost.Definition, f func()) {
		host := b.Host(definition)
		f()
		b.Stop(host)
	}
	on(firstProfiles(), func() {
		require.NoError(t, call(t.Context(), rename, p, "Ann"))
		require.NoError(t, call(t.Context(), settle, p, "Bern"))
	})
	on(secondProfiles(), func() {
		got, err := showNew.Call(t.Context(), p, nil)
		require.NoError(t, err)
		require.Equal(t, secondProfile{"Ann", map[string]second{"main": {City: "Bern"}}, map[string]int{"default": 5}}, got,
			"what is new starts as in a new actor")
		require.NoError(t, call(t.Context(), settle, p, "Switzerland"))
		require.NoError(t, call(t.Context(), setQuota, p, 7))
	})
	on(firstProfiles(), func() {
		got, err := showOld.Call(t.Context(), p, nil)
		require.NoError(t, err)
		require.Equal(t, firstProfile{"Ann", 30, map[string]first{"main": {"Bern"}}}, got, "what the newer one does not know")
		require.NoError(t, call(t.Context(), rename, p, "Anna"))
		require.NoError(t, call(t.Context(), settle, p, "Basel"))
		require.NoError(t, call(t.Context(), rename, p, "Anne"))
	})
	on(secondProfiles(), func() {
		got, err := showNew.Call(t.Context(), p, nil)
		require.NoError(t, err)
		require.Equal(t, secondProfile{"Anne", map[string]second{"main": {"Basel", "Switzerland"}}, map[string]int{"default": 7}}, got)
	})
}

// TestStateThatCannotBeDecodedStays has actors whose records were damaged, or written by a program with another idea of
// them.
func TestStateThatCannotBeDecodedStays(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		what  string
		spoil func(*record.Record)
	}{
		{"another type of field", func(r *record.Record) { r.State, _ = codec.MsgPack.Append(nil, map[string]any{"value": "text"}) }},
		{"no msgpack", func(r *record.Record) { r.State = []byte{0xc1} }},
		{"nothing", func(r *record.Record) { r.State = nil }},
		{"answers that are none", func(r *record.Record) { r.Parts = record.Encoded("\x81\xa7answers\xc4\x01\xc1") }},
	} {
		t.Run(test.what, func(t *testing.T) {
			t.Parallel()
			b := hosttest.Start(t)
			a := troupe.GetOrCreate[counter](b.Client, "a")
			host := b.Host(counters())
			require.NoError(t, call(t.Context(), add, a, 1))
			b.Stop(host)
			ns, err := wire.NewNamespace("")
			require.NoError(t, err)
			records, err := store.OpenRecords(t.Context(), b.Connect(), ns, store.Settings{})
			require.NoError(t, err)
			good := recordOf(t, b, a)
			bad := good
			test.spoil(&bad)
			bad.Revision, err = records.Put(t.Context(), a.ID(), bad)
			require.NoError(t, err)

			b.Host(counters())
			for range 2 {
				require.ErrorIs(t, call(t.Context(), add, a, 1), troupe.ErrStateCorrupt)
				require.ErrorIs(t, call(t.Context(), destroy, a, nil), troupe.ErrStateCorrupt)
			}
			require.Equal(t, bad, recordOf(t, b, a), "not one byte of it is touched")

			good.Revision = bad.Revision
			_, err = records.Put(t.Context(), a.ID(), good)
			require.NoError(t, err)
			got, err := add.Call(t.Context(), a, 1)
			require.NoError(t, err)
			require.Equal(t, 2, got, "once it is mended")
		})
	}
}
