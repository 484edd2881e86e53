// Command chat runs chat rooms that are reached from the browser: pages connect with actors over a WebSocket.
package main

import (
	"cmp"
	"context"
	"os"

	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/examples/internal/stage"
)

// defaultPage is where the page is, with --serve, unless $TROUPE_PAGE says otherwise.
const defaultPage = "127.0.0.1:8080"

func main() { stage.Main(program(cmp.Or(os.Getenv("TROUPE_PAGE"), defaultPage))) }

// program is a host of the rooms and a client of them in one process, and a page for browsers at this address.
func program(address string) stage.Program {
	return func(ctx context.Context, s *stage.Stage) error {
		page, err := openPage(ctx, s, address)
		if err != nil {
			return err
		}
		defer s.End(page.close)

		b, err := bus.Open(ctx, s.Bus) // a NATS server in this process, or the one at NATS_URL
		if err != nil {
			return err
		}
		defer s.Close(b)
		if err := startDice(b.Conn()); err != nil {
			return err
		}

		host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{Logger: s.Logger}, actors(b.Conn())...)
		if err != nil {
			return err
		}
		defer s.End(host.Stop)

		cl, err := client.New(b.Conn(), client.Config{Logger: s.Logger})
		if err != nil {
			return err
		}
		defer s.End(cl.Close)

		if s.Scene {
			if err := scene(ctx, s, cl); err != nil {
				return err
			}
		}
		if err := page.serve(s, b); err != nil {
			return err
		}
		return s.Serve(ctx, b, host.Done(), tour)
	}
}
