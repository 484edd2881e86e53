package actorhost_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
)

type bell struct{ troupe.Ref }

func (bell) ActorType() string { return "bell" }

var (
	toll  = troupe.NewAction[bell, troupe.None, troupe.None]("toll")
	tolls = troupe.NewAction[bell, troupe.None, int]("tolls")
)

// An action without input is scheduled as any other, from outside too.
func TestActionWithoutInputIsScheduled(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, actorhost.Define(func() struct{ Tolls int } { return struct{ Tolls int }{} },
		actorhost.On(toll, actorhost.NoInNoOut(func(s *struct{ Tolls int }, _ *actorhost.Context) error { s.Tolls++; return nil })),
		actorhost.On(tolls, actorhost.NoIn(func(s *struct{ Tolls int }, _ *actorhost.Context) (int, error) { return s.Tolls, nil }))))
	one := troupe.GetOrCreate[bell](b.Client)
	_, err := toll.Every(troupe.SchedulerOf(t.Context(), one), time.Hour, nil)
	require.NoError(t, err)
	b.Advance(150 * time.Minute)
	n, err := tolls.Call(t.Context(), one, nil)
	require.NoError(t, err)
	require.Equal(t, 2, n)
}
