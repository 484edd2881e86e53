package troupe_test

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

// A Holiday has to be granted.
type Holiday struct{ troupe.Ref }

func (Holiday) ActorType() string { return "holiday" }

type Grant struct {
	By string `json:"by"`
	OK bool   `json:"ok"`
}

var (
	AskFor  = troupe.NewWorkflow[Holiday, string, string]("askFor")
	Granted = troupe.NewSignal[Holiday, Grant]("granted")
)

// askFor waits for three days, on no host at all.
func askFor(w *actorhost.Flow[struct{}], _ string) (string, error) {
	grant, err := actorhost.Wait(w, Granted, "decision", 72*time.Hour)
	switch {
	case errors.Is(err, troupe.ErrTimedOut):
		return "nobody has decided", nil
	case err != nil:
		return "", err
	case !grant.OK:
		return "refused by " + grant.By, nil
	}
	return "granted by " + grant.By, nil
}

var holidays = actorhost.Define(func() struct{} { return struct{}{} },
	actorhost.OnWorkflow(AskFor, askFor), actorhost.OnSignal[Holiday, struct{}](Granted))

func ExampleSignal() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, holidays)
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	holiday := troupe.GetOrCreate[Holiday](c, "anna", "2027-08")
	if err := AskFor.Start(ctx, holiday, "August"); err != nil {
		panic(err)
	}
	// Stored before it returns. A signal that comes before the wait for it is kept until then.
	if err := Granted.Send(ctx, holiday, Grant{By: "eva", OK: true}); err != nil {
		panic(err)
	}
	fmt.Println(AskFor.Result(ctx, holiday))
	// Output: granted by eva <nil>
}
