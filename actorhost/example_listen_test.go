package actorhost_test

import (
	"context"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

type (
	Valve struct{ troupe.Ref }
	Panel struct{ troupe.Ref }
)

func (Valve) ActorType() string { return "valve" }
func (Panel) ActorType() string { return "panel" }

var (
	Turn   = troupe.NewAction[Valve, int, troupe.None]("turn")
	Turned = troupe.NewEvent[Valve, int]("turned")
	Show   = troupe.NewAction[Panel, troupe.None, map[string]int]("show")
	Shown  = troupe.NewEvent[Panel, int]("shown")
)

type valveState struct{}

func (*valveState) turn(c *actorhost.Context, degrees int) error { return Turned.Broadcast(c, degrees) }

type panelState struct{ Valves map[string]int }

// wake subscribes for as long as the panel is awake.
func (s *panelState) wake(c *actorhost.Context) error {
	_, err := Turned.SubscribeAll(c, troupe.All[Valve](c), s.turned)
	return err
}

// turned is a turn of the panel, as an action is: it may change the state, broadcast and call.
func (s *panelState) turned(ctx context.Context, degrees int) error {
	valve, _ := troupe.DeliveryOf(ctx)
	s.Valves[valve.Actor.KeyString()] = degrees
	c, _ := actorhost.FromContext(ctx)
	return Shown.Broadcast(c, len(s.Valves))
}

func (s *panelState) show(*actorhost.Context) (map[string]int, error) { return s.Valves, nil }

var plant = []actorhost.Definition{
	actorhost.Define(func() valveState { return valveState{} },
		actorhost.On(Turn, actorhost.NoOut((*valveState).turn))),
	actorhost.Define(func() panelState { return panelState{Valves: map[string]int{}} },
		actorhost.On(Show, actorhost.NoIn((*panelState).show))).
		OnWake((*panelState).wake),
}

// An actor can subscribe to the events of others while it is awake. See OnEvent for subscriptions that outlive that.
func ExampleFromContext() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, plant...)
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	panel := troupe.GetOrCreate[Panel](c)
	fmt.Println(Show.Call(ctx, panel, nil)) // wakes it
	shown := make(chan int, 2)
	_, err = Shown.Subscribe(ctx, panel, func(_ context.Context, n int) error {
		shown <- n
		return nil
	})
	if err != nil {
		panic(err)
	}
	for valve, degrees := range map[string]int{"steam": 90, "water": 45} {
		if _, err := Turn.Call(ctx, troupe.GetOrCreate[Valve](c, valve), degrees); err != nil {
			panic(err)
		}
	}
	fmt.Println(<-shown, <-shown)
	fmt.Println(Show.Call(ctx, panel, nil))
	// Output:
	// map[] <nil>
	// 1 2
	// map[steam:90 water:45] <nil>
}
