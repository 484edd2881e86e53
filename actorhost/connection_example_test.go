package actorhost_test

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

// The contract of a chat room: one connects with a name, and talks.
type Room struct{ troupe.Ref }

func (Room) ActorType() string { return "chatRoom" }

var (
	Join = troupe.NewConnector[Room, string]()
	Talk = troupe.NewAction[Room, string, troupe.None]("talk")
	Said = troupe.NewEvent[Room, string]("said")
)

type chatState struct{}

func (s *chatState) join(c *actorhost.Context, conn *actorhost.Connection, name string) error {
	if name == "" {
		return troupe.NewError("no_name", "who are you?")
	}
	conn.SetState(name)
	if err := Said.Send(c, conn, "welcome, "+name); err != nil {
		return err
	}
	return Said.BroadcastExcept(c, conn, name+" has come")
}

func (s *chatState) leave(c *actorhost.Context, conn *actorhost.Connection) error {
	name, _ := actorhost.ConnectionState[string](conn)
	return Said.Broadcast(c, name+" has left")
}

func (s *chatState) talk(c *actorhost.Context, text string) error {
	name := "somebody"
	if conn, ok := c.Connection(); ok {
		name, _ = actorhost.ConnectionState[string](conn)
	}
	return Said.Broadcast(c, name+": "+text)
}

// A connection is a session with one actor: it says who is there, and hears what is for all and what is for it alone.
func ExampleOnConnect() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{Logger: slog.New(slog.DiscardHandler)},
		actorhost.Define(func() chatState { return chatState{} },
			actorhost.OnConnect(Join, (*chatState).join),
			actorhost.On(Talk, actorhost.NoOut((*chatState).talk))).
			OnDisconnect((*chatState).leave))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer host.Stop(ctx) //nolint:errcheck // it would only fail with a bus that does
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close(ctx)

	lobby := troupe.GetOrCreate[Room](c, "lobby")
	heard := make(chan string)
	anna, err := Join.Connect(ctx, lobby, "Anna", Said.On(func(_ context.Context, text string) error {
		heard <- text
		return nil
	}))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(<-heard)
	ben, err := Join.Connect(ctx, lobby, "Ben")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(<-heard)
	if _, err := Talk.Call(ctx, ben.Actor(), "hello"); err != nil {
		fmt.Println(err)
	}
	fmt.Println(<-heard)
	if err := ben.Close(ctx); err != nil {
		fmt.Println(err)
	}
	fmt.Println(<-heard)
	if err := anna.Close(ctx); err != nil {
		fmt.Println(err)
	}
	// Output:
	// welcome, Anna
	// Ben has come
	// Ben: hello
	// Ben has left
}
