package actorhost_test

import (
	"context"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

type Butterfly struct{ troupe.Ref }

func (Butterfly) ActorType() string { return "butterfly" }

var (
	Hatch = troupe.NewConstructor[Butterfly, troupe.None]()
	Fly   = troupe.NewAction[Butterfly, troupe.None, troupe.None]("fly")
	Lived = troupe.NewEvent[Butterfly, []string]("lived")
)

type butterflyState struct{ Life []string }

func (s *butterflyState) did(what string) error {
	s.Life = append(s.Life, what)
	return nil
}

func (s *butterflyState) hatch(*actorhost.Context, troupe.None) error { return s.did("hatched") }
func (s *butterflyState) wake(*actorhost.Context) error               { return s.did("woke") }
func (s *butterflyState) fly(*actorhost.Context) error                { return s.did("flew") }
func (s *butterflyState) sleep(*actorhost.Context) error              { return s.did("slept") }
func (s *butterflyState) die(c *actorhost.Context) error {
	return Lived.Broadcast(c, append(s.Life, "died"))
}

var butterflies = actorhost.Define(func() butterflyState { return butterflyState{} },
	actorhost.OnCreate(Hatch, (*butterflyState).hatch),
	actorhost.On(Fly, actorhost.NoInNoOut((*butterflyState).fly))).
	OnWake((*butterflyState).wake).
	OnSleep((*butterflyState).sleep).
	OnDestroy((*butterflyState).die)

// Hooks run as an actor is created, wakes, falls asleep and is destroyed. What they change is stored.
func ExampleActorType() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, butterflies)
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	butterfly := troupe.GetOrCreate[Butterfly](c, "b1")
	life := make(chan []string, 1)
	_, err = Lived.Subscribe(ctx, butterfly, func(_ context.Context, all []string) error {
		life <- all
		return nil
	})
	if err != nil {
		panic(err)
	}
	if _, err := Fly.Call(ctx, butterfly, nil); err != nil {
		panic(err)
	}
	for _, action := range []string{troupe.SleepAction, troupe.DestroyAction} { // from outside
		if err := c.Actor("butterfly", "b1").Call(ctx, action, nil, nil); err != nil {
			panic(err)
		}
	}
	fmt.Println(<-life)
	// Output: [hatched woke flew slept woke died]
}
