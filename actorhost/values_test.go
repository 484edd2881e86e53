package actorhost_test

import (
	"bytes"
	"container/list"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
)

type vault struct{ troupe.Ref }

func (vault) ActorType() string { return "vault" }

var (
	keep  = troupe.NewAction[vault, string, troupe.None]("keep")
	kept  = troupe.NewAction[vault, troupe.None, string]("kept")
	tell  = troupe.NewAction[vault, string, troupe.None]("tell")
	told  = troupe.NewEvent[vault, any]("told")
	giveA = troupe.NewAction[vault, string, any]("give")
)

type onlyJSON struct{ _ int }

func (onlyJSON) MarshalJSON() ([]byte, error)  { return []byte("1"), nil }
func (*onlyJSON) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, new(int)) }

type halfText struct{ _ int }

func (halfText) MarshalText() ([]byte, error) { return []byte("1"), nil }

// inState is a definition whose state has a field of type T.
func inState[T any]() actorhost.Definition {
	type state struct {
		Fine   int
		Things []struct{ Thing T }
	}
	return actorhost.Define(func() state { return state{} },
		actorhost.On(tell, actorhost.NoOut(func(*state, *actorhost.Context, string) error { return nil })))
}

// What the type tells is refused at Start, with the path.
func TestTypesThatLoseSomethingAreRefused(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	for name, c := range map[string]struct {
		definition actorhost.Definition
		want       string
	}{
		"an interface":    {inState[error](), "its state cannot be stored"},
		"atomic":          {inState[atomic.Int64](), "Things[].Thing: atomic.Int64 has no exported fields"},
		"sync.Map":        {inState[sync.Map](), "Things[].Thing: sync.Map has no exported fields"},
		"list":            {inState[*list.List](), "Things[].Thing: list.List has no exported fields"},
		"buffer":          {inState[bytes.Buffer](), "Things[].Thing: bytes.Buffer has no exported fields"},
		"only JSON":       {inState[onlyJSON](), "onlyJSON has methods for JSON but none for msgpack"},
		"half":            {inState[halfText](), "halfText has MarshalText but no method to undo it"},
		"channel":         {inState[chan int](), "Things[].Thing: a chan cannot be encoded"},
		"time as a key":   {inState[map[time.Time]int](), "a time.Time cannot be the key of a map"},
		"hidden":          {inState[struct{ n int }](), "Things[].Thing: struct { n int } has no exported fields"},
		"a stringer":      {inState[fmt.Stringer](), "Things[].Thing: fmt.Stringer is an interface with methods"},
		"without handler": {actorhost.Define[vault](func() struct{ N int } { return struct{ N int }{} }), "it has no handlers"},
		"newState": {actorhost.Define(func() struct{ N int } { panic("no state today") },
			actorhost.On(tell, actorhost.NoOut(func(*struct{ N int }, *actorhost.Context, string) error { return nil }))), "no state today"},
		"hidden state": {actorhost.Define(func() struct{ n int } { return struct{ n int }{} },
			actorhost.On(tell, actorhost.NoOut(func(*struct{ n int }, *actorhost.Context, string) error { return nil }))), "has no exported fields"},
		"an output": {actorhost.Define(func() struct{ N int } { return struct{ N int }{} },
			actorhost.On(troupe.NewAction[vault, int, error]("broken"), func(*struct{ N int }, *actorhost.Context, int) (error, error) { return nil, nil })),
			`the output of "broken": type error has no encoding`},
		"an input": {actorhost.Define(func() struct{ N int } { return struct{ N int }{} },
			actorhost.On(troupe.NewAction[vault, *sync.Map, troupe.None]("broken"), actorhost.NoOut(func(*struct{ N int }, *actorhost.Context, *sync.Map) error { return nil }))),
			`the input of "broken": type *sync.Map has no encoding`},
	} {
		_, err := actorhost.Start(t.Context(), b.Connect(), actorhost.Config{}, c.definition)
		require.ErrorContains(t, err, c.want, name)
	}
}

// vaultState can hold anything.
type vaultState struct {
	Any  any
	At   time.Time
	Text string
	Keys map[float64]int
	Ref  vault
	Own  *vault
}

func (s *vaultState) keep(c *actorhost.Context, what string) error {
	switch what {
	case "int":
		s.Any = 5
	case "list":
		s.Any = []string{"a"}
	case "struct":
		s.Any = item{"a", 1}
	case "now":
		s.At = time.Date(2024, 2, 29, 23, 30, 0, 5, time.FixedZone("there", -5*3600))
	case "time in any":
		s.Any = time.Date(2024, 2, 29, 23, 30, 0, 5, time.FixedZone("there", -5*3600))
	case "ref":
		s.Ref = troupe.GetOrCreate[vault](c, "other")
	case "map[int]any":
		s.Any = map[int]any{1: 2}
	case "func":
		s.Any = map[string]any{"f": func() {}}
	case "error":
		s.Any = troupe.NewError("kept", "for later").With("a", map[int]int{1: 1})
	case "utf8":
		s.Text = "\xff"
	case "NaN key":
		s.Keys = map[float64]int{0 / func() float64 { return 0 }(): 1}
	}
	return nil
}

type item struct {
	Name  string
	Count int
}

func (s *vaultState) kept(c *actorhost.Context) (string, error) {
	call := "no call"
	if !s.Ref.ID().IsZero() {
		_, err := kept.Call(c, s.Ref, nil)
		call = fmt.Sprint(err)
	}
	return fmt.Sprintf("%#v %v %s %q %v %s", s.Any, s.At, s.At.Weekday(), s.Text, s.Keys, call), nil
}

func (s *vaultState) tell(c *actorhost.Context, what string) error {
	other := *s
	if err := other.keep(c, what); err != nil {
		return err
	}
	return told.Broadcast(c, []any{other.Any, other.Text, other.Keys})
}

func (s *vaultState) give(c *actorhost.Context, what string) (any, error) {
	other := *s
	if err := other.keep(c, what); err != nil {
		return nil, err
	}
	s.Text = "changed"
	return []any{other.Any, other.Text, other.Keys}, nil
}

func vaults() actorhost.Definition {
	return actorhost.Define(func() vaultState { return vaultState{} },
		actorhost.On(keep, actorhost.NoOut((*vaultState).keep)),
		actorhost.On(kept, actorhost.NoIn((*vaultState).kept)),
		actorhost.On(tell, actorhost.NoOut((*vaultState).tell)),
		actorhost.On(giveA, (*vaultState).give))
}

// Both lives see the same.
func TestAwakeAndWokenSeeTheSame(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, vaults())
	for _, what := range []string{"int", "list", "struct", "now", "time in any", "ref"} {
		ref := troupe.GetOrCreate[vault](b.Client, what)
		_, err := keep.Call(t.Context(), ref, what)
		require.NoError(t, err, what)
		awake, err := kept.Call(t.Context(), ref, nil)
		require.NoError(t, err, what)
		require.NoError(t, b.Client.Invoke(t.Context(), troupe.Invocation{ID: ref.ID(), Action: troupe.SleepAction}))
		woken, err := kept.Call(t.Context(), ref, nil)
		require.NoError(t, err, what)
		require.Equal(t, awake, woken, what)
		require.Equal(t, strings.HasSuffix(woken, "no call"), (what != "ref"), woken)
	}
}

// What only the value tells fails the turn, before it is acknowledged, and leaves the state as it was.
func TestValuesThatDoNotComeBackAreRefused(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, vaults())
	for _, action := range []troupe.Action[vault, string, troupe.None]{keep, tell, troupe.NewAction[vault, string, troupe.None]("give")} {
		for _, what := range []string{"map[int]any", "func", "error", "utf8", "NaN key"} {
			name := action.Name() + " " + what
			ref := troupe.GetOrCreate[vault](b.Client, name)
			before, err := kept.Call(t.Context(), ref, nil)
			require.NoError(t, err, name)
			_, err = action.Call(t.Context(), ref, what)
			var coded *troupe.Error
			require.ErrorAs(t, err, &coded, name)
			require.Equal(t, troupe.CodeInternal, coded.Code, name)
			require.Contains(t, coded.Message, "failed; the log of host", name)
			for range 2 {
				after, err := kept.Call(t.Context(), ref, nil)
				require.NoError(t, err, name)
				require.Equal(t, before, after, name)
				require.NoError(t, b.Client.Invoke(t.Context(), troupe.Invocation{ID: ref.ID(), Action: troupe.SleepAction}))
			}
		}
	}
}

// A call whose output nothing can be decoded into does not run.
func TestOutputThatCannotBeDecodedIsRefusedBeforeTheCall(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, vaults())
	ref := troupe.GetOrCreate[vault](b.Client, "a")
	err := b.Client.Invoke(t.Context(), troupe.Invocation{ID: ref.ID(), Action: "keep", In: "int", Out: new(error)})
	require.ErrorIs(t, err, troupe.ErrBadInput)
	_, err = kept.Call(t.Context(), troupe.Get[vault](b.Client, "a"), nil)
	require.ErrorIs(t, err, troupe.ErrNotFound, "it has run")
}
