package troupe_test

import (
	"context"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

type Locker struct{ troupe.Ref }

func (Locker) ActorType() string { return "locker" }

var WhoAreYou = troupe.NewAction[Locker, troupe.None, []string]("whoAreYou")

type lockerState struct{}

func (*lockerState) whoAreYou(c *actorhost.Context) ([]string, error) { return c.Key(), nil }

var lockers = actorhost.Define(func() lockerState { return lockerState{} },
	actorhost.On(WhoAreYou, actorhost.NoIn((*lockerState).whoAreYou)))

// A key has any number of parts, and a part may be any string. The actor with that key comes to life with the first call.
func ExampleGetOrCreate() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, lockers)
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	for _, locker := range []Locker{
		troupe.GetOrCreate[Locker](c, "station", "17"),
		troupe.GetOrCreate[Locker](c, "Gare de l'Est", "a/b"),
		troupe.GetOrCreate[Locker](c), // the one without a key
	} {
		key, err := WhoAreYou.Call(ctx, locker, nil)
		fmt.Printf("%s %q %v\n", locker, key, err)
	}
	// Output:
	// locker/station/17 ["station" "17"] <nil>
	// locker/Gare=20de=20l=27Est/a=2Fb ["Gare de l'Est" "a/b"] <nil>
	// locker [] <nil>
}
