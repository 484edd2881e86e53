package troupe_test

import (
	"context"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

type Radio struct{ troupe.Ref }

func (Radio) ActorType() string { return "radio" }

var (
	TuneIn   = troupe.NewConnector[Radio, troupe.None]()
	CloseOff = troupe.NewAction[Radio, string, troupe.None]("closeOff")
)

type radioState struct{}

func (*radioState) closeOff(c *actorhost.Context, reason string) error {
	for _, conn := range c.Connections() {
		c.Disconnect(conn, reason)
	}
	return nil
}

var radios = actorhost.Define(func() radioState { return radioState{} },
	actorhost.On(CloseOff, actorhost.NoOut((*radioState).closeOff)))

// A connection that is lost comes back by itself, and says so. Its end comes with a reason.
func ExampleOnStatus() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, radios)
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	radio := troupe.GetOrCreate[Radio](c)
	changes := make(chan troupe.StatusChange, 10)
	conn, err := TuneIn.Connect(ctx, radio, nil, troupe.OnStatus(func(change troupe.StatusChange) { changes <- change }))
	if err != nil {
		panic(err)
	}
	fmt.Println(conn.Status())

	// The host stops, and another one takes over.
	successor, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, radios)
	if err != nil {
		panic(err)
	}
	defer func() { _ = successor.Stop(ctx) }()
	if err := host.Stop(ctx); err != nil {
		panic(err)
	}
	fmt.Println((<-changes).Status)
	again := <-changes
	fmt.Println(again.Status, "anew:", again.Restarted)

	if _, err := CloseOff.Call(ctx, radio, "good night"); err != nil {
		panic(err)
	}
	fmt.Println((<-changes).Status)
	<-conn.Done()
	fmt.Println(conn.Err())
	// Output:
	// connected
	// reconnecting
	// connected anew: true
	// closed
	// disconnected: radio has ended the connection: good night
}
