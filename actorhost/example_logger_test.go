package actorhost_test

import (
	"context"
	"log/slog"
	"os"
	"slices"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

type Porch struct{ troupe.Ref }

func (Porch) ActorType() string { return "porch" }

var Knock = troupe.NewAction[Porch, string, troupe.None]("knock")

type porchState struct{}

func (*porchState) knock(c *actorhost.Context, who string) error {
	c.Logger().Warn("knock", slog.String("who", who))
	return nil
}

var porches = actorhost.Define(func() porchState { return porchState{} },
	actorhost.On(Knock, actorhost.NoOut((*porchState).knock)))

// An action logs by its Context, which adds the actor, the host and the request.
func ExampleContext_Logger() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{Level: slog.LevelWarn, ReplaceAttr: withoutTimeAndHost}))
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{Logger: logger}, porches)
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	request := troupe.WithRequestID(ctx, "r1") // else a random one
	if _, err := Knock.Call(request, troupe.GetOrCreate[Porch](c, "front"), "Anna"); err != nil {
		panic(err)
	}
	// Output: level=WARN msg=knock actor_type=porch actor_key=front request_id=r1 who=Anna
}

// withoutTimeAndHost leaves out what differs each time.
func withoutTimeAndHost(_ []string, a slog.Attr) slog.Attr {
	if slices.Contains([]string{slog.TimeKey, "host"}, a.Key) {
		return slog.Attr{}
	}
	return a
}
