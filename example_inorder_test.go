package troupe_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

type Passbook struct{ troupe.Ref }

func (Passbook) ActorType() string { return "passbook" }

var (
	PutDown    = troupe.NewQueueInOrder[Passbook, int]("putDown")
	WasPutDown = troupe.NewEvent[Passbook, int]("wasPutDown")
)

type passbookState struct{ Balance int }

func (s *passbookState) putDown(c *actorhost.Context, cents int) error {
	queued, _ := troupe.QueuedOf(c)
	if cents == 50 && queued.Attempt < 3 {
		return errors.New("the disk is busy") // those behind it wait until it is handled
	}
	s.Balance += cents
	return WasPutDown.Broadcast(c, s.Balance)
}

var passbooks = actorhost.Define(func() passbookState { return passbookState{} },
	actorhost.OnQueue(PutDown, (*passbookState).putDown, actorhost.Retries{First: 10 * time.Millisecond}))

// The messages of a queue in order are handled in the order in which they were pushed, also when one has to be tried again.
func ExampleNewQueueInOrder() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{Logger: slog.New(slog.DiscardHandler)}, passbooks)
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	book := troupe.GetOrCreate[Passbook](c, "anna")
	balances := make(chan int, 4)
	if _, err := WasPutDown.Subscribe(ctx, book, func(_ context.Context, balance int) error { balances <- balance; return nil }); err != nil {
		panic(err)
	}
	for _, cents := range []int{100, 50, -30} {
		if err := PutDown.Push(ctx, book, cents); err != nil {
			panic(err)
		}
	}
	fmt.Println(<-balances, <-balances, <-balances)
	// Output: 100 150 120
}
