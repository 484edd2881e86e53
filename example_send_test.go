package troupe_test

import (
	"context"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

type Quiz struct{ troupe.Ref }

func (Quiz) ActorType() string { return "quiz" }

var (
	Play    = troupe.NewConnector[Quiz, string]()
	Answer  = troupe.NewAction[Quiz, int, troupe.None]("answer") // to six times seven
	Verdict = troupe.NewEvent[Quiz, string]("verdict")
)

type quizState struct{}

func (*quizState) play(c *actorhost.Context, conn *actorhost.Connection, name string) error {
	conn.SetState(name)
	return Verdict.Send(c, conn, "welcome, "+name) // to the new connection alone
}

func (*quizState) answer(c *actorhost.Context, n int) error {
	by, _ := c.Connection()
	if n != 6*7 {
		return Verdict.Send(c, by, "no")
	}
	winner, _ := actorhost.ConnectionState[string](by)
	for _, conn := range c.Connections() {
		name, _ := actorhost.ConnectionState[string](conn)
		if err := Verdict.Send(c, conn, name+", the winner is "+winner); err != nil {
			return err
		}
	}
	return nil
}

var quizzes = actorhost.Define(func() quizState { return quizState{} },
	actorhost.OnConnect(Play, (*quizState).play),
	actorhost.On(Answer, actorhost.NoOut((*quizState).answer)))

// An actor can send an event to one of its connections alone.
func ExampleEvent_Send() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, quizzes)
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	quiz := troupe.GetOrCreate[Quiz](c, "tonight")
	connect := func(name string) (*troupe.Connection[Quiz], chan string) {
		heard := make(chan string, 3)
		conn, err := Play.Connect(ctx, quiz, name, Verdict.On(func(_ context.Context, text string) error {
			heard <- text
			return nil
		}))
		if err != nil {
			panic(err)
		}
		return conn, heard
	}
	anna, annaHears := connect("Anna")
	defer anna.Close(ctx)
	ben, benHears := connect("Ben")
	defer ben.Close(ctx)

	if _, err := Answer.Call(ctx, ben.Actor(), 41); err != nil {
		panic(err)
	}
	if _, err := Answer.Call(ctx, anna.Actor(), 42); err != nil {
		panic(err)
	}
	fmt.Println(<-annaHears, "/", <-annaHears)
	fmt.Println(<-benHears, "/", <-benHears, "/", <-benHears)
	// Output:
	// welcome, Anna / Anna, the winner is Anna
	// welcome, Ben / no / Ben, the winner is Anna
}
