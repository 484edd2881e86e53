package client_test

import (
	"context"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/codec"
)

type Echo struct{ troupe.Ref }

func (Echo) ActorType() string { return "echo" }

var Repeat = troupe.NewAction[Echo, string, string]("repeat")

type echoState struct{}

func (*echoState) repeat(_ *actorhost.Context, text string) (string, error) { return text + text, nil }

var echoes = actorhost.Define(func() echoState { return echoState{} },
	actorhost.On(Repeat, (*echoState).repeat))

// A client that speaks JSON is easy to read for those who watch the bus. Actors answer in the encoding of the call.
func ExampleConfig_codec() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, echoes)
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{Codec: codec.JSON})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	fmt.Println(Repeat.Call(ctx, troupe.GetOrCreate[Echo](c), "tick"))
	// Output: ticktick <nil>
}
