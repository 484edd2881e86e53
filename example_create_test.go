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

type Ticket struct{ troupe.Ref }

func (Ticket) ActorType() string { return "ticket" }

var (
	IssueTicket = troupe.NewConstructor[Ticket, string]()
	Holder      = troupe.NewAction[Ticket, troupe.None, string]("holder")

	ErrNoHolder = troupe.NewError("no_holder", "a ticket needs a holder")
)

type ticketState struct{ Holder string }

// issue runs once in a ticket's life. When it fails there is no ticket.
func (s *ticketState) issue(_ *actorhost.Context, holder string) error {
	if holder == "" {
		return ErrNoHolder
	}
	s.Holder = holder
	return nil
}

func (s *ticketState) holder(*actorhost.Context) (string, error) { return s.Holder, nil }

var tickets = actorhost.Define(func() ticketState { return ticketState{} },
	actorhost.OnCreate(IssueTicket, (*ticketState).issue),
	actorhost.On(Holder, actorhost.NoIn((*ticketState).holder)))

// An actor can be created with an input, once.
func ExampleConstructor() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, tickets)
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	ticket := troupe.Get[Ticket](c, "4711")
	fmt.Println(IssueTicket.Create(ctx, ticket, "Anna"))
	holder, err := Holder.Call(ctx, ticket, nil)
	fmt.Println(holder, err)

	err = IssueTicket.Create(ctx, ticket, "Ben")
	fmt.Println(errors.Is(err, troupe.ErrAlreadyExists))
	err = IssueTicket.Create(ctx, troupe.Get[Ticket](c, "4712"), "")
	fmt.Println(errors.Is(err, ErrNoHolder), err)
	// Output:
	// <nil>
	// Anna <nil>
	// true
	// true no_holder: a ticket needs a holder
}
