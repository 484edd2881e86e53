package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/client"
)

// Office sends bills.
type Office struct{ troupe.Ref }

func (Office) ActorType() string { return "office" }

// Bill is a message of the queue.
type Bill struct {
	Guest string `json:"guest"`
	Cents int    `json:"cents"`
}

var (
	// Send is a queue: its messages are kept until they are handled.
	Send = troupe.NewQueue[Office, Bill]("send")
	// Sent says how often it was tried.
	Sent = troupe.NewEvent[Office, string]("sent")

	// ErrNothingToPay makes a dead letter: an error of the actor's own is not tried again.
	ErrNothingToPay = troupe.NewError("nothing_to_pay", "the bill is empty")

	errPrinterIsOut = errors.New("the printer is out of paper")
)

type officeState struct{ Cents int }

// send is a turn: what it changes happens once, however often it is tried.
func (s *officeState) send(c *actorhost.Context, bill Bill) error {
	queued, _ := troupe.QueuedOf(c)
	switch {
	case bill.Cents == 0:
		return ErrNothingToPay
	case queued.Attempt == 1:
		return errPrinterIsOut // any other error: it is tried again, after a second, two, four and so on
	}
	s.Cents += bill.Cents
	return Sent.Broadcast(c, fmt.Sprintf("%s, %d cents, attempt %d", bill.Guest, bill.Cents, queued.Attempt))
}

var actors = []actorhost.Definition{
	actorhost.Define(func() officeState { return officeState{} },
		actorhost.OnQueue(Send, (*officeState).send, actorhost.Retries{Attempts: 5, First: 100 * time.Millisecond})).
		Broadcasts(Sent),
}

func visit(ctx context.Context, c *client.Client) error {
	office := troupe.GetOrCreate[Office](c, "main")
	sent := make(chan string, 1)
	sub, err := Sent.Subscribe(ctx, office, func(_ context.Context, what string) error { sent <- what; return nil })
	if err != nil {
		return err
	}
	for _, bill := range []Bill{{Guest: "ben"}, {Guest: "anna", Cents: 600}} {
		if err := Send.Push(ctx, office, bill); err != nil { // stored when it returns; nobody waits for the printer
			return err
		}
	}
	fmt.Println("sent:", <-sent)
	return sub.Unsubscribe()
}
