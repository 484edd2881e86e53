package actorhost_test

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

// The contract of a report, of which a tenant may have few made at a time.
type Report struct{ troupe.Ref }

func (Report) ActorType() string { return "report" }

var Render = troupe.NewAction[Report, troupe.None, string]("render")

// tenantLimits bound how many turns of each tenant run on this host at a time.
type tenantLimits struct {
	most int

	mu      sync.Mutex
	running map[string]int
}

var errTooMany = troupe.NewError("too_many", "other reports of the tenant are being rendered")

func (l *tenantLimits) intercept(ctx context.Context, op *troupe.Operation, next func(context.Context) error) error {
	if op.Kind != troupe.OpAction || op.Actor.Type() != "report" {
		return next(ctx)
	}
	tenant := op.Actor.Key()[0]
	if !l.enter(tenant) {
		return errTooMany // the state is as it was
	}
	defer l.leave(tenant)
	return next(ctx)
}

func (l *tenantLimits) enter(tenant string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.running[tenant] == l.most {
		return false
	}
	l.running[tenant]++
	return true
}

func (l *tenantLimits) leave(tenant string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.running[tenant]--; l.running[tenant] == 0 {
		delete(l.running, tenant)
	}
}

type reportState struct{}

func Example_limits() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	begun, finish := make(chan bool), make(chan bool)
	render := func(*reportState, *actorhost.Context) (string, error) {
		begun <- true
		<-finish
		return "rendered", nil
	}
	l := &tenantLimits{most: 1, running: make(map[string]int)}
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{Intercept: l.intercept},
		actorhost.Define(func() reportState { return reportState{} }, actorhost.On(Render, actorhost.NoIn(render))))
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)
	rendered := make(chan string)
	go func() {
		text, _ := Render.Call(ctx, troupe.GetOrCreate[Report](c, "acme", "january"), nil)
		rendered <- text
	}()
	<-begun
	_, err = Render.Call(ctx, troupe.GetOrCreate[Report](c, "acme", "february"), nil)
	fmt.Println(errors.Is(err, errTooMany))
	close(finish)
	fmt.Println(<-rendered)
	// Output:
	// true
	// rendered
}
