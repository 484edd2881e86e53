package client_test

import (
	"context"
	"errors"
	"log/slog"
	"os"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

type Bell struct{ troupe.Ref }

func (Bell) ActorType() string { return "bell" }

var (
	Ring = troupe.NewAction[Bell, troupe.None, troupe.None]("ring")
	Rung = troupe.NewEvent[Bell, troupe.None]("rung")
)

type bellState struct{}

func (*bellState) ring(c *actorhost.Context) error { return Rung.Broadcast(c, nil) }

var bells = actorhost.Define(func() bellState { return bellState{} },
	actorhost.On(Ring, actorhost.NoInNoOut((*bellState).ring)))

// What no caller can be told, such as the error of an event's handler, is logged.
func ExampleConfig_logger() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, bells)
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: withoutTime}))
	c, err := client.New(b.Conn(), client.Config{Logger: logger})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	bell := troupe.GetOrCreate[Bell](c, "door")
	handled := make(chan struct{})
	_, err = Rung.Subscribe(ctx, bell, func(context.Context, troupe.None) error {
		close(handled)
		return errors.New("nobody is at home")
	})
	if err != nil {
		panic(err)
	}
	if _, err := Ring.Call(ctx, bell, nil); err != nil {
		panic(err)
	}
	<-handled
	// Output: level=ERROR msg="handling an event failed" actor_type=bell actor_key=door event=rung error="nobody is at home"
}

func withoutTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}
