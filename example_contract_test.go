package troupe_test

import (
	"context"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

// A contract says what can be asked of an actor and what it tells. It is best a package of its own.
type Counter struct{ troupe.Ref } // refers to one counter

func (Counter) ActorType() string { return "counter" } // the name on the wire

var (
	Add     = troupe.NewAction[Counter, int, int]("add") // takes a number, answers with the sum
	Counted = troupe.NewEvent[Counter, int]("counted")   // tells the sum
)

// The implementation is a struct. Its exported fields are stored before an action is answered.
type counterState struct{ Sum int }

func (s *counterState) add(c *actorhost.Context, n int) (int, error) {
	s.Sum += n
	return s.Sum, Counted.Broadcast(c, s.Sum)
}

var counters = actorhost.Define(func() counterState { return counterState{} },
	actorhost.On(Add, (*counterState).add))

// A contract is a reference type with its actions and events. Hosts implement it, programs and actors call it.
func ExampleRef() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, counters)
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	visits := troupe.GetOrCreate[Counter](c, "visits")
	sums := make(chan int, 1)
	_, err = Counted.Subscribe(ctx, visits, func(_ context.Context, sum int) error {
		sums <- sum
		return nil
	})
	if err != nil {
		panic(err)
	}
	sum, err := Add.Call(ctx, visits, 2)
	fmt.Println("answer:", sum, err)
	fmt.Println("event:", <-sums)
	// Output:
	// answer: 2 <nil>
	// event: 2
}
