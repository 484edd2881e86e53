package actorhost_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

type Mailing struct{ troupe.Ref }

func (Mailing) ActorType() string { return "mailing" }

var SendMail = troupe.NewWorkflow[Mailing, string, string]("sendMail")

var errBusy = errors.New("421 try again later")

// sendMail has an effect on the world: the mail server may see a step that is tried again, after a crash too, more than once. It tells by
// the key, which is the same each time.
func sendMail(w *actorhost.Flow[struct{}], to string) (string, error) {
	return actorhost.Step(w, "send", func(c *actorhost.StepContext) (string, error) {
		if c.Attempt() < 3 {
			return "", errBusy // tried again; an error that is made for callers, a *troupe.Error, would be the step's at once
		}
		return fmt.Sprintf("sent to %s at attempt %d, with a key: %t", to, c.Attempt(), c.IdempotencyKey() != ""), nil
	}, actorhost.Tries(5, 10*time.Millisecond, time.Second))
}

var mailings = actorhost.Define(func() struct{} { return struct{}{} }, actorhost.OnWorkflow(SendMail, sendMail))

func ExampleStep() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, mailings)
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	fmt.Println(SendMail.Run(ctx, troupe.GetOrCreate[Mailing](c, "m1"), "ann@example.com"))
	// Output: sent to ann@example.com at attempt 3, with a key: true <nil>
}
