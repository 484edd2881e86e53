package hosttest_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
)

type Alarm struct{ troupe.Ref }

func (Alarm) ActorType() string { return "alarm" }

var (
	Smoke = troupe.NewAction[Alarm, int, troupe.None]("smoke")
	Fire  = troupe.NewEvent[Alarm, int]("fire")
)

type alarmState struct{}

func (*alarmState) smoke(c *actorhost.Context, percent int) error {
	if percent < 50 {
		return nil
	}
	return Fire.Broadcast(c, percent)
}

var alarms = actorhost.Define(func() alarmState { return alarmState{} },
	actorhost.On(Smoke, actorhost.NoOut((*alarmState).smoke)))

// A test waits for an event by a channel. It needs no sleep: the subscription is in force when Subscribe returns.
func ExampleBus() {
	runTest(func(t *testing.T) { //nolint:thelper // as func TestFire(t *testing.T)
		t.Parallel()
		b := hosttest.Start(t, alarms)
		alarm := troupe.GetOrCreate[Alarm](b.Client, "kitchen")
		fires := make(chan int, 2)
		_, err := Fire.Subscribe(t.Context(), alarm, func(_ context.Context, percent int) error {
			fires <- percent
			return nil
		})
		require.NoError(t, err)
		for _, percent := range []int{10, 60} {
			_, err = Smoke.Call(t.Context(), alarm, percent)
			require.NoError(t, err)
		}
		require.Equal(t, 60, <-fires)
	})
	// Output: ok
}
