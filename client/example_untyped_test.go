package client_test

import (
	"context"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

type Meter struct{ troupe.Ref }

func (Meter) ActorType() string { return "meter" }

type Reading struct {
	Day  string `json:"day"`
	Watt int    `json:"watt"`
}

var (
	Record = troupe.NewAction[Meter, Reading, troupe.None]("record")
	Last   = troupe.NewAction[Meter, troupe.None, Reading]("last")
)

type meterState struct{ Last Reading }

func (s *meterState) record(_ *actorhost.Context, r Reading) error {
	s.Last = r
	return nil
}

func (s *meterState) last(*actorhost.Context) (Reading, error) { return s.Last, nil }

var meters = actorhost.Define(func() meterState { return meterState{} },
	actorhost.On(Record, actorhost.NoOut((*meterState).record)),
	actorhost.On(Last, actorhost.NoIn((*meterState).last)))

// Without the contract a program calls by names. An any takes whatever the answer is.
func ExampleClient_Actor() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, meters)
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	meter := c.Actor("meter", "house", "7")
	if err := meter.Call(ctx, "record", map[string]any{"day": "monday", "watt": 300}, nil); err != nil {
		panic(err)
	}
	var last any
	err = meter.Call(ctx, "last", nil, &last)
	fmt.Println(last, err)

	fmt.Println(c.Actor("meter", "house", "8").Existing().Call(ctx, "last", nil, &last))
	// Output:
	// map[day:monday watt:300] <nil>
	// not_found: there is no actor meter/house/8
}
