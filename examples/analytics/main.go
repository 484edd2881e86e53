// Command analytics makes reports: an actor asks three others for their numbers at the same time.
package main

import (
	"context"

	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/examples/internal/stage"
)

func main() { stage.Main(program) }

// program is a host of the actors and a client of them in one process.
func program(ctx context.Context, s *stage.Stage) error {
	b, err := bus.Open(ctx, s.Bus) // a NATS server in this process, or the one at NATS_URL
	if err != nil {
		return err
	}
	defer s.Close(b)

	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{Logger: s.Logger}, actors...)
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
	return s.Serve(ctx, b, host.Done(), tour)
}
