// Command 10-hosts is the last step of docs/tutorial.md: the workflow of step 9 on three hosts, two of which are killed.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

func main() {
	run := scene
	if len(os.Args) > 1 && os.Args[1] == "host" {
		run = host
	}
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// host runs the actors until it is told to stop. It is all that a program of yours needs.
func host(ctx context.Context) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	config, err := bus.ConfigFromEnv() // NATS_URL
	if err != nil {
		return err
	}
	nc, err := bus.Connect(ctx, config)
	if err != nil {
		return err
	}
	defer nc.Close()
	return actorhost.Run(ctx, nc, actorhost.Config{}, actors...)
}

// scene starts a server and two hosts, plans a party, starts a third host and kills the two.
func scene(ctx context.Context) error {
	server, err := bus.StartServer(bus.ServerConfig{Memory: true, Listen: "127.0.0.1:0"})
	if err != nil {
		return err
	}
	defer server.Shutdown()
	nc, err := bus.Connect(ctx, bus.Config{URL: server.URL()})
	if err != nil {
		return err
	}
	defer nc.Close()
	c, err := client.New(nc, client.Config{})
	if err != nil {
		return err
	}
	defer func() { _ = c.Close(ctx) }()

	var hosts []*exec.Cmd
	another := func() error {
		one := exec.CommandContext(ctx, os.Args[0], "host")
		one.Env = append(os.Environ(), "NATS_CONTEXT=", "NATS_URL="+server.URL())
		hosts = append(hosts, one)
		return one.Start()
	}
	defer func() {
		for _, one := range hosts {
			_ = one.Process.Kill()
			_ = one.Wait()
		}
	}()

	if err := errors.Join(another(), another()); err != nil {
		return err
	}
	birthday := troupe.GetOrCreate[Party](c, "birthday")
	for err = troupe.ErrUnknownType; errors.Is(err, troupe.ErrUnknownType); time.Sleep(50 * time.Millisecond) { // until a host is up
		err = Plan.Start(ctx, birthday, 12)
	}
	if err != nil {
		return err
	}
	fmt.Println("planned by one of two hosts")

	if err := another(); err != nil {
		return err
	}
	for _, one := range hosts[:2] {
		if err := one.Process.Kill(); err != nil {
			return err
		}
	}
	fmt.Println("both are killed while the dough rests; a third one starts")

	what, err := Plan.Result(ctx, birthday)
	if err != nil {
		return err
	}
	fmt.Println(what)
	return nil
}
