package actorhost_test

import (
	"context"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

type Game struct{ troupe.Ref }

func (Game) ActorType() string { return "game" }

var (
	Enter = troupe.NewConnector[Game, string]()
	Kick  = troupe.NewAction[Game, string, int]("kick")
)

type gameState struct{}

func (*gameState) enter(_ *actorhost.Context, conn *actorhost.Connection, name string) error {
	conn.SetState(name)
	return nil
}

// kick ends the connections of a player.
func (*gameState) kick(c *actorhost.Context, player string) (int, error) {
	kicked := 0
	for _, conn := range c.Connections() {
		if name, _ := actorhost.ConnectionState[string](conn); name == player {
			c.Disconnect(conn, "no cheating")
			kicked++
		}
	}
	return kicked, nil
}

var games = actorhost.Define(func() gameState { return gameState{} },
	actorhost.OnConnect(Enter, (*gameState).enter),
	actorhost.On(Kick, (*gameState).kick))

// An actor knows its connections and can end them. The program is told why.
func ExampleContext_Disconnect() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, games)
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	game := troupe.GetOrCreate[Game](c, "g1")
	anna, err := Enter.Connect(ctx, game, "Anna")
	if err != nil {
		panic(err)
	}
	defer anna.Close(ctx)
	mallory, err := Enter.Connect(ctx, game, "Mallory")
	if err != nil {
		panic(err)
	}
	fmt.Println(Kick.Call(ctx, anna.Actor(), "Mallory"))
	<-mallory.Done()
	fmt.Println(mallory.Err())
	fmt.Println(anna.Status())
	// Output:
	// 1 <nil>
	// disconnected: game/g1 has ended the connection: no cheating
	// connected
}
