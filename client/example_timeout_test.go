package client_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

type Sloth struct{ troupe.Ref }

func (Sloth) ActorType() string { return "sloth" }

var Climb = troupe.NewAction[Sloth, troupe.None, troupe.None]("climb")

type slothState struct{}

// climb works until the time of its call is over, of which its Context tells.
func (*slothState) climb(c *actorhost.Context) error {
	<-c.Done()
	return c.Err()
}

var sloths = actorhost.Define(func() slothState { return slothState{} },
	actorhost.On(Climb, actorhost.NoInNoOut((*slothState).climb)))

// A call whose context has no deadline may take as long as the client says: 30 s, or its Timeout. The actor knows.
func ExampleConfig_timeout() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, sloths)
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{Timeout: 100 * time.Millisecond})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	sloth := troupe.GetOrCreate[Sloth](c, "sid")
	_, err = Climb.Call(ctx, sloth, nil)
	fmt.Println(errors.Is(err, context.DeadlineExceeded))

	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond) // for one call
	defer cancel()
	_, err = Climb.Call(short, sloth, nil)
	fmt.Println(errors.Is(err, context.DeadlineExceeded))
	// Output:
	// true
	// true
}
