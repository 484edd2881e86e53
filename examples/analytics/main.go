// Command analytics makes reports: an actor asks three others for their numbers at the same time.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/examples/internal/stage"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the first signal ends ctx, a second one the process

	config, err := bus.ConfigFromEnv() // NATS_URL and its siblings
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	s := stage.Parse(&config) // --serve, --quiet, --listen, --probes and --data
	if err := run(ctx, config, s); err != nil {
		os.Exit(s.Report(ctx, err))
	}
}

// run is a host of the actors and a client of them in one process.
func run(ctx context.Context, config bus.Config, s *stage.Stage) (err error) {
	b, err := bus.Open(ctx, config) // the server at NATS_URL, or one in this process
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()

	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{Probes: s.Probes, Logger: s.Logger}, actors...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end(ctx, host.Stop)) }()

	c, err := client.New(b.Conn(), client.Config{Logger: s.Logger})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end(ctx, c.Close)) }()

	if s.Scene {
		if err := scene(ctx, s, c); err != nil {
			return err
		}
	}
	return s.Serve(ctx, b, host.Done(), tour) // with --serve: until ctx is done or the host was drained
}

// end has a part of the program end within 15 s, though ctx may be done by then.
func end(ctx context.Context, stop func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), actorhost.DefaultGrace)
	defer cancel()
	return stop(ctx)
}
