package troupe_test

import (
	"context"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

type Lobby struct{ troupe.Ref }

func (Lobby) ActorType() string { return "lobby" }

type Visitor struct{ Name, Language string }

var (
	Join = troupe.NewConnector[Lobby, Visitor]() // programs connect with a Visitor
	Say  = troupe.NewAction[Lobby, string, troupe.None]("say")
	Said = troupe.NewEvent[Lobby, string]("said")
)

type lobbyState struct{}

// join runs when a program connects. Its error would refuse the connection.
func (*lobbyState) join(_ *actorhost.Context, conn *actorhost.Connection, who Visitor) error {
	conn.SetState(who)
	return nil
}

func (*lobbyState) say(c *actorhost.Context, text string) error {
	conn, ok := c.Connection() // by which the call was made
	if !ok {
		return Said.Broadcast(c, "somebody: "+text)
	}
	who, _ := actorhost.ConnectionState[Visitor](conn)
	return Said.Broadcast(c, who.Name+": "+text)
}

var lobbies = actorhost.Define(func() lobbyState { return lobbyState{} },
	actorhost.OnConnect(Join, (*lobbyState).join),
	actorhost.On(Say, actorhost.NoOut((*lobbyState).say)))

// A connection is a program's session with one actor. The actor knows who calls by it, and stays awake for it.
func ExampleConnector() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, lobbies)
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	lobby := troupe.GetOrCreate[Lobby](c, "main")
	heard := make(chan string, 2)
	anna, err := Join.Connect(ctx, lobby, Visitor{"Anna", "en"}, Said.On(func(_ context.Context, text string) error {
		heard <- text
		return nil
	}))
	if err != nil {
		panic(err)
	}
	defer anna.Close(ctx)

	if _, err := Say.Call(ctx, anna.Actor(), "hello"); err != nil { // by the connection
		panic(err)
	}
	if _, err := Say.Call(ctx, lobby, "boo"); err != nil { // without
		panic(err)
	}
	fmt.Println(<-heard)
	fmt.Println(<-heard)
	// Output:
	// Anna: hello
	// somebody: boo
}
