package troupe_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

type Employee struct{ troupe.Ref }

func (Employee) ActorType() string { return "employee" }

var (
	ReportTo = troupe.NewAction[Employee, string, troupe.None]("reportTo")
	Chain    = troupe.NewAction[Employee, troupe.None, string]("chain")
)

type employeeState struct{ Boss string }

func (s *employeeState) reportTo(_ *actorhost.Context, boss string) error {
	s.Boss = boss
	return nil
}

// chain asks the boss, whose own boss is asked, and so on.
func (s *employeeState) chain(c *actorhost.Context) (string, error) {
	name := c.Key()[0]
	if s.Boss == "" {
		return name, nil
	}
	above, err := Chain.Call(c, troupe.GetOrCreate[Employee](c, s.Boss), nil)
	return name + " < " + above, err
}

var employees = actorhost.Define(func() employeeState { return employeeState{} },
	actorhost.On(ReportTo, actorhost.NoOut((*employeeState).reportTo)),
	actorhost.On(Chain, actorhost.NoIn((*employeeState).chain)))

// An action calls other actors as a program does, by its Context, and within the time of its own call. A call that comes
// back to an actor that waits in it fails at once.
func ExampleAction_Call() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, employees)
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	anna := troupe.GetOrCreate[Employee](c, "anna")
	if _, err := ReportTo.Call(ctx, anna, "ben"); err != nil {
		panic(err)
	}
	fmt.Println(Chain.Call(ctx, anna, nil))

	ben := troupe.GetOrCreate[Employee](c, "ben")
	if _, err := ReportTo.Call(ctx, ben, "anna"); err != nil {
		panic(err)
	}
	_, err = Chain.Call(ctx, anna, nil)
	fmt.Println(errors.Is(err, troupe.ErrCallCycle), err)
	// Output:
	// anna < ben <nil>
	// true call_cycle: employee/anna -> employee/ben -> employee/anna: only an action that is Reentrant may come back
}
