package troupe_test

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

type (
	Sensor struct{ troupe.Ref }
	Report struct{ troupe.Ref }
)

func (Sensor) ActorType() string { return "sensor" }
func (Report) ActorType() string { return "report" }

var (
	Read    = troupe.NewAction[Sensor, troupe.None, int]("read")
	Summary = troupe.NewAction[Report, []string, []int]("summary")
)

type sensorState struct{}

func (*sensorState) read(c *actorhost.Context) (int, error) { return len(c.Key()[0]), nil }

type reportState struct{}

// summary asks all sensors at once. The goroutines may use the Context until the action returns.
func (*reportState) summary(c *actorhost.Context, sensors []string) ([]int, error) {
	values := make([]int, len(sensors))
	group, ctx := errgroup.WithContext(c)
	for i, sensor := range sensors {
		group.Go(func() (err error) {
			values[i], err = Read.Call(ctx, troupe.GetOrCreate[Sensor](c, sensor), nil)
			return err
		})
	}
	return values, group.Wait()
}

var reports = []actorhost.Definition{
	actorhost.Define(func() sensorState { return sensorState{} },
		actorhost.On(Read, actorhost.NoIn((*sensorState).read))),
	actorhost.Define(func() reportState { return reportState{} },
		actorhost.On(Summary, (*reportState).summary)),
}

// Calls are made in parallel as anything else in Go: here by an action, in a program likewise.
func ExampleAction_Call_parallel() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, reports...)
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	values, err := Summary.Call(ctx, troupe.GetOrCreate[Report](c), []string{"roof", "cellar", "hall"})
	fmt.Println(values, err)
	// Output: [4 6 4] <nil>
}
