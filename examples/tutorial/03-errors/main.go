// Command 03-errors is a step of docs/tutorial.md: an action that refuses.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// run is a host of the actors and a client of them in one process.
func run(ctx context.Context) error {
	config, err := bus.ConfigFromEnv() // NATS_URL; without it, a server in this process
	if err != nil {
		return err
	}
	config.Server.Memory = true // a new café each time
	b, err := bus.Open(ctx, config)
	if err != nil {
		return err
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, actors...)
	if err != nil {
		return err
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		return err
	}
	defer func() { _ = c.Close(ctx) }()
	return visit(ctx, c)
}
