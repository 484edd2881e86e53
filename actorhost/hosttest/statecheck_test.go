package hosttest_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
)

type drawer struct{ troupe.Ref }

func (drawer) ActorType() string { return "drawer" }

var put = troupe.NewAction[drawer, string, troupe.None]("put")

type thing struct{ Name string }

type drawerState struct {
	Any   any
	Map   map[string]any
	One   *thing
	Two   *thing
	count int
	ready bool // set by the wake hook
	cache int  `json:"-"`
}

func (s *drawerState) put(_ *actorhost.Context, what string) error {
	switch what {
	case "any":
		s.Any = 1
	case "map":
		s.Map = map[string]any{"a": []string{"b"}}
	case "shared":
		s.One = &thing{what}
		s.Two = s.One
	case "unexported":
		s.count++
	case "cache":
		s.cache++
	default:
		s.Any = what
	}
	return nil
}

func drawers() actorhost.Definition {
	return actorhost.Define(func() drawerState { return drawerState{} },
		actorhost.On(put, actorhost.NoOut((*drawerState).put))).
		OnWake(func(s *drawerState, _ *actorhost.Context) error {
			s.ready = true
			return nil
		})
}

// errorsOf is a test whose errors are counted, not reported.
type errorsOf struct {
	testing.TB

	mu   sync.Mutex
	told []string
}

func (e *errorsOf) Errorf(format string, args ...any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.told = append(e.told, fmt.Sprintf(format, args...))
}

func TestStateThatSleepWouldChangeFailsTheTest(t *testing.T) {
	t.Parallel()
	for what, want := range map[string]string{
		"any":        "",
		"map":        "",
		"shared":     "the state of drawer/a: after put: Two: another pointer leads to the same hosttest_test.thing; they come back as two",
		"unexported": "the state of drawer/a: after put: count: it is unexported",
		"cache":      "",
		"text":       "",
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			errs := &errorsOf{TB: t}
			b := hosttest.Start(errs, drawers())
			for range 3 { // told once
				_, err := put.Call(t.Context(), troupe.GetOrCreate[drawer](b.Client, "a"), what)
				require.NoError(t, err)
			}
			if want == "" {
				require.Empty(t, errs.told)
				return
			}
			require.Len(t, errs.told, 1)
			require.Contains(t, errs.told[0], want)
		})
	}
}

func TestStateCheckCanBeSkipped(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	b.SkipStateCheck = true
	b.Host(drawers())
	_, err := put.Call(t.Context(), troupe.GetOrCreate[drawer](b.Client, "a"), "unexported")
	require.NoError(t, err)
}
