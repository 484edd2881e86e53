package troupe_test

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

type Printer struct{ troupe.Ref }

func (Printer) ActorType() string { return "printer" }

var (
	Print   = troupe.NewQueue[Printer, string]("print")
	Printed = troupe.NewEvent[Printer, string]("printed")

	ErrNothingToPrint = troupe.NewError("nothing", "the page is empty")
)

type printerState struct{ Pages int }

// print handles a message of the queue, in a turn of its own.
func (s *printerState) print(c *actorhost.Context, page string) error {
	if page == "" {
		return ErrNothingToPrint // of its own: the message is a dead letter at once
	}
	queued, _ := troupe.QueuedOf(c)
	s.Pages++
	return Printed.Broadcast(c, fmt.Sprintf("page %d: %s, attempt %d", s.Pages, page, queued.Attempt))
}

var printers = actorhost.Define(func() printerState { return printerState{} },
	actorhost.OnQueue(Print, (*printerState).print))

func ExampleQueue_Push() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{Logger: slog.New(slog.DiscardHandler)}, printers)
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	printer := troupe.GetOrCreate[Printer](c, "hall")
	printed := make(chan string, 4)
	if _, err := Printed.Subscribe(ctx, printer, func(_ context.Context, what string) error { printed <- what; return nil }); err != nil {
		panic(err)
	}
	for range 3 { // as somebody does who is not sure
		if err := Print.Push(ctx, printer, "a ticket", troupe.PushID("ticket-17")); err != nil {
			panic(err)
		}
	}
	fmt.Println(<-printed)
	if err := Print.Push(ctx, printer, "a poster"); err != nil {
		panic(err)
	}
	fmt.Println(<-printed)
	// Output:
	// page 1: a ticket, attempt 1
	// page 2: a poster, attempt 1
}
