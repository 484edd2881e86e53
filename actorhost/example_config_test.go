package actorhost_test

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

type Cat struct{ troupe.Ref }

func (Cat) ActorType() string { return "cat" }

var (
	Pet   = troupe.NewAction[Cat, troupe.None, string]("pet")
	Hunt  = troupe.NewAction[Cat, troupe.None, troupe.None]("hunt")
	Slept = troupe.NewEvent[Cat, string]("slept")
)

type catState struct{}

func (*catState) pet(*actorhost.Context) (string, error) { return "purr", nil }

func (*catState) hunt(c *actorhost.Context) error {
	<-c.Done() // the mouse does not come
	return c.Err()
}

func (*catState) sleep(c *actorhost.Context) error { return Slept.Broadcast(c, "zzz") }

var cats = actorhost.Define(func() catState { return catState{} },
	actorhost.On(Pet, actorhost.NoIn((*catState).pet)),
	actorhost.On(Hunt, actorhost.NoInNoOut((*catState).hunt))).
	OnSleep((*catState).sleep).
	Config(actorhost.TypeConfig{
		SleepAfter:    50 * time.Millisecond, // without a call; default: 30 s
		ActionTimeout: 50 * time.Millisecond, // default: a minute
		MailboxSize:   10,                    // calls that may wait; default: 4096
	})

// Each actor type has its own config.
func ExampleTypeConfig() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, cats)
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	cat := troupe.GetOrCreate[Cat](c, "tom")
	sleeps := make(chan string, 10)
	_, err = Slept.Subscribe(ctx, cat, func(_ context.Context, sound string) error {
		sleeps <- sound
		return nil
	})
	if err != nil {
		panic(err)
	}
	_, err = Hunt.Call(ctx, cat, nil)
	fmt.Println(errors.Is(err, troupe.ErrDeadlineExceeded))
	fmt.Println(<-sleeps)
	fmt.Println(Pet.Call(ctx, cat, nil)) // wakes it
	// Output:
	// true
	// zzz
	// purr <nil>
}
