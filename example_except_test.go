package troupe_test

import (
	"context"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

type Board struct{ troupe.Ref }

func (Board) ActorType() string { return "board" }

var (
	Watch = troupe.NewConnector[Board, troupe.None]() // connections without parameters need no hook
	Draw  = troupe.NewAction[Board, string, troupe.None]("draw")
	Drawn = troupe.NewEvent[Board, string]("drawn")
)

type boardState struct{}

// draw tells all but the one who has drawn, who knows already.
func (*boardState) draw(c *actorhost.Context, what string) error {
	if by, ok := c.Connection(); ok {
		return Drawn.BroadcastExcept(c, by, what)
	}
	return Drawn.Broadcast(c, what)
}

var boards = actorhost.Define(func() boardState { return boardState{} },
	actorhost.On(Draw, actorhost.NoOut((*boardState).draw)))

// A broadcast can leave out one connection, such as the one whose call has caused it.
func ExampleEvent_BroadcastExcept() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, boards)
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	board := troupe.GetOrCreate[Board](c, "b1")
	connect := func() (*troupe.Connection[Board], chan string) {
		heard := make(chan string, 2)
		conn, err := Watch.Connect(ctx, board, nil, Drawn.On(func(_ context.Context, what string) error {
			heard <- what
			return nil
		}))
		if err != nil {
			panic(err)
		}
		return conn, heard
	}
	anna, annaSees := connect()
	defer anna.Close(ctx)
	ben, benSees := connect()
	defer ben.Close(ctx)

	if _, err := Draw.Call(ctx, anna.Actor(), "a house by Anna"); err != nil {
		panic(err)
	}
	if _, err := Draw.Call(ctx, ben.Actor(), "a tree by Ben"); err != nil {
		panic(err)
	}
	fmt.Println("Anna sees", <-annaSees)
	fmt.Println("Ben sees", <-benSees)
	// Output:
	// Anna sees a tree by Ben
	// Ben sees a house by Anna
}
