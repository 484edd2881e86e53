package actorhost_test

import (
	"context"
	"fmt"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

type Signup struct{ troupe.Ref }

func (Signup) ActorType() string { return "signup" }

var (
	Welcome   = troupe.NewWorkflow[Signup, string, string]("welcome")
	Confirmed = troupe.NewSignal[Signup, bool]("confirmed")
)

// welcome had no step "check" in an earlier program. Runs that were past this place by then go on without it.
func welcome(w *actorhost.Flow[struct{}], name string) (string, error) {
	version, err := w.Version("checkTheName", 1)
	if err != nil {
		return "", err
	}
	if version >= 1 {
		if _, err := actorhost.Step(w, "check", func(*actorhost.StepContext) (bool, error) { return name != "", nil }); err != nil {
			return "", err
		}
	}
	if _, err := actorhost.Wait(w, Confirmed, "confirmation", 24*time.Hour); err != nil {
		return "", err
	}
	return fmt.Sprintf("welcome, %s, by version %d", name, version), nil
}

var signups = actorhost.Define(func() struct{} { return struct{}{} },
	actorhost.OnWorkflow(Welcome, welcome), actorhost.OnSignal[Signup, struct{}](Confirmed))

// A function that is changed asks which version of the changed part a run takes.
func ExampleFlow_Version() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, signups)
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	run := troupe.GetOrCreate[Signup](c, "ann")
	if err := Welcome.Start(ctx, run, "Ann"); err != nil {
		panic(err)
	}
	if err := Confirmed.Send(ctx, run, true); err != nil {
		panic(err)
	}
	fmt.Println(Welcome.Result(ctx, run))
	// Output: welcome, Ann, by version 1 <nil>
}
