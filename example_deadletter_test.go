package troupe_test

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

func ExampleQueue_Dead() {
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
	if err := Print.Push(ctx, printer, ""); err != nil {
		panic(err)
	}
	// A message is handled when its actor can: all there is to do is to look again.
	for dead := 0; dead == 0; time.Sleep(time.Millisecond) {
		for letter, err := range Print.Dead(ctx, printer) {
			if err != nil {
				panic(err)
			}
			dropped, err := Print.Drop(ctx, printer, letter.ID) // or Retry
			fmt.Printf("%q, attempt %d: %s; dropped: %v, %v\n", letter.Message, letter.Attempt, letter.Error, dropped, err)
			dead++
		}
	}
	// Output:
	// "", attempt 1: nothing: the page is empty; dropped: true, <nil>
}
