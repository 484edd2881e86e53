package client_test

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
)

type Abacus struct{ troupe.Ref }

func (Abacus) ActorType() string { return "abacus" }

var (
	Plus  = troupe.NewAction[Abacus, int, int]("plus")
	Moved = troupe.NewEvent[Abacus, int]("moved")
)

type abacusState struct{ Sum int }

func (s *abacusState) plus(c *actorhost.Context, n int) (int, error) {
	s.Sum += n
	return s.Sum, Moved.Broadcast(c, s.Sum)
}

var abaci = actorhost.Define(func() abacusState { return abacusState{} },
	actorhost.On(Plus, (*abacusState).plus))

// Any NATS client in any language can call: a call is a request, an event a message. docs/protocol.md has the rest.
func Example_plainNATS() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, abaci)
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()

	nc, err := nats.Connect(b.URL())
	if err != nil {
		panic(err)
	}
	defer nc.Close()
	events, err := nc.SubscribeSync("troupe.event.abacus.*.moved")
	if err != nil {
		panic(err)
	}
	call := nats.NewMsg("troupe.route.abacus.anna.plus")
	call.Header.Set("Content-Type", "application/json") // otherwise msgpack
	call.Data = []byte("5")
	answer, err := nc.RequestMsg(call, 5*time.Second)
	if err != nil {
		panic(err)
	}
	fmt.Println("answer:", string(answer.Data))
	event, err := events.NextMsg(5 * time.Second)
	if err != nil {
		panic(err)
	}
	fmt.Printf("%s %x\n", event.Subject, event.Data) // 5 in msgpack
	// Output:
	// answer: 5
	// troupe.event.abacus.anna.moved 05
}
