package troupe_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

type Guest struct{ troupe.Ref }

func (Guest) ActorType() string { return "guest" }

var Greet = troupe.NewAction[Guest, troupe.None, string]("greet")

type guestState struct{}

func (*guestState) greet(c *actorhost.Context) (string, error) { return "hello, " + c.Key()[0], nil }

var guests = actorhost.Define(func() guestState { return guestState{} },
	actorhost.On(Greet, actorhost.NoIn((*guestState).greet)))

// An error says whether the call had no effect and the same call may succeed later.
func ExampleError_retryable() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{MaxActive: 1}, guests) // one actor awake at a time
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	fmt.Println(Greet.Call(ctx, troupe.GetOrCreate[Guest](c, "anna"), nil))
	_, err = Greet.Call(ctx, troupe.GetOrCreate[Guest](c, "ben"), nil)
	if failed, ok := errors.AsType[*troupe.Error](err); ok {
		fmt.Println(failed.Code, "retryable:", failed.Retryable) // later: anna will have fallen asleep
	}
	err = c.Actor("guest", "anna").Call(ctx, "kiss", nil, nil)
	if failed, ok := errors.AsType[*troupe.Error](err); ok {
		fmt.Println(failed.Code, "retryable:", failed.Retryable)
	}
	// Output:
	// hello, anna <nil>
	// overloaded retryable: true
	// unknown_action retryable: false
}
