package actorhost_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
)

type steeple struct{ troupe.Ref }

func (steeple) ActorType() string { return "steeple" }

var (
	strike  = troupe.NewAction[steeple, troupe.None, troupe.None]("strike")
	strikes = troupe.NewAction[steeple, troupe.None, int]("strikes")
)

// An action without input is scheduled as any other, from outside too.
func TestActionWithoutInputIsScheduled(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, actorhost.Define(func() struct{ Strikes int } { return struct{ Strikes int }{} },
		actorhost.On(strike, actorhost.NoInNoOut(func(s *struct{ Strikes int }, _ *actorhost.Context) error { s.Strikes++; return nil })),
		actorhost.On(strikes, actorhost.NoIn(func(s *struct{ Strikes int }, _ *actorhost.Context) (int, error) { return s.Strikes, nil }))))
	one := troupe.GetOrCreate[steeple](b.Client)
	_, err := strike.Every(troupe.SchedulerOf(t.Context(), one), time.Hour, nil)
	require.NoError(t, err)
	b.Advance(150 * time.Minute)
	n, err := strikes.Call(t.Context(), one, nil)
	require.NoError(t, err)
	require.Equal(t, 2, n)
}
