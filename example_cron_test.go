package troupe_test

import (
	"context"
	"fmt"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

type Bakery struct{ troupe.Ref }

func (Bakery) ActorType() string { return "bakery" }

var (
	OpenShop  = troupe.NewConstructor[Bakery, string]() // with its time zone
	BakeDaily = troupe.NewAction[Bakery, string, troupe.None]("bake")
)

type bakeryState struct{ Baked []time.Time }

// openShop has the bakery bake at half past four on weekdays, in summer as in winter. If no host is up in time, it bakes once when
// one is; OnMissed would change that.
func (*bakeryState) openShop(c *actorhost.Context, zone string) error {
	_, err := BakeDaily.Cron(c, "30 4 * * 1-5", "bread", troupe.In(zone), troupe.Named("bread"))
	return err
}

// bake learns when it was to run, however late it is.
func (s *bakeryState) bake(c *actorhost.Context, _ string) error {
	firing, _ := troupe.FiringOf(c)
	s.Baked = append(s.Baked, firing.Due)
	return nil
}

var bakeries = actorhost.Define(func() bakeryState { return bakeryState{} },
	actorhost.OnCreate(OpenShop, (*bakeryState).openShop),
	actorhost.On(BakeDaily, actorhost.NoOut((*bakeryState).bake)))

func ExampleAction_Cron() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, bakeries)
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	bakery := troupe.GetOrCreate[Bakery](c, "mitte")
	if err := OpenShop.Create(ctx, bakery, "Europe/Berlin"); err != nil {
		panic(err)
	}
	listed, err := troupe.SchedulerOf(ctx, bakery).Schedules()
	if err != nil {
		panic(err)
	}
	for _, one := range listed {
		zone, err := time.LoadLocation(one.Zone)
		if err != nil {
			panic(err)
		}
		fmt.Println(one.Name, one.Input, one.Due.In(zone).Format(time.TimeOnly))
	}
	// Output: bread bread 04:30:00
}
