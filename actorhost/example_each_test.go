package actorhost_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

type Album struct{ troupe.Ref }

func (Album) ActorType() string { return "album" }

var Scale = troupe.NewWorkflow[Album, []string, []string]("scale")

// scale scales all pictures, two at a time. Each is a step of its own: after a crash, only those run again that were not done.
func scale(w *actorhost.Flow[struct{}], pictures []string) ([]string, error) {
	return actorhost.Each(w, "scale", pictures, 2, func(_ *actorhost.StepContext, picture string) (string, error) {
		return strings.Replace(picture, ".", "-small.", 1), nil
	})
}

var albums = actorhost.Define(func() struct{} { return struct{}{} }, actorhost.OnWorkflow(Scale, scale))

func ExampleEach() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, albums)
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	fmt.Println(Scale.Run(ctx, troupe.GetOrCreate[Album](c, "a1"), []string{"cat.png", "dog.png", "cow.png"}))
	// Output: [cat-small.png dog-small.png cow-small.png] <nil>
}
