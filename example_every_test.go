package troupe_test

import (
	"context"
	"fmt"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

type Alarm struct{ troupe.Ref }

func (Alarm) ActorType() string { return "alarm" }

var (
	Guard = troupe.NewAction[Alarm, time.Duration, troupe.None]("guard")
	Probe = troupe.NewAction[Alarm, string, troupe.None]("probe")
	Value = troupe.NewEvent[Alarm, int]("value")
)

type alarmState struct{ Probed int }

// guard probes again and again, as long as the actor is awake: what is volatile may recur within milliseconds, and costs no
// write. Without Volatile it survives sleep and hosts, and recurs every second at most.
func (*alarmState) guard(c *actorhost.Context, every time.Duration) error {
	_, err := Probe.Every(c, every, "by itself", troupe.Named("guard"), troupe.Volatile())
	return err
}

func (s *alarmState) probe(c *actorhost.Context, _ string) error {
	s.Probed++
	if s.Probed == 3 {
		if _, err := c.Unschedule("guard"); err != nil {
			return err
		}
	}
	return Value.Broadcast(c, s.Probed)
}

var alarms = actorhost.Define(func() alarmState { return alarmState{} },
	actorhost.On(Guard, actorhost.NoOut((*alarmState).guard)),
	actorhost.On(Probe, actorhost.NoOut((*alarmState).probe)))

func ExampleAction_Every() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, alarms)
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	alarm := troupe.GetOrCreate[Alarm](c, "roof")
	values := make(chan int, 8)
	if _, err := Value.Subscribe(ctx, alarm, func(_ context.Context, n int) error { values <- n; return nil }); err != nil {
		panic(err)
	}
	if _, err := Guard.Call(ctx, alarm, 20*time.Millisecond); err != nil {
		panic(err)
	}
	for range 3 {
		fmt.Println(<-values)
	}
	listed, err := troupe.SchedulerOf(ctx, alarm).Schedules()
	fmt.Println(len(listed), err)
	// Output:
	// 1
	// 2
	// 3
	// 0 <nil>
}
