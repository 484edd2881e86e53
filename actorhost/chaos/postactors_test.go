//go:build chaos && unix

package chaos_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
)

// A post office notes each message of its queue.
type postOffice struct{ troupe.Ref }

func (postOffice) ActorType() string { return "postoffice" }

var (
	deliver   = troupe.NewQueue[postOffice, parcel]("deliver")
	file      = troupe.NewQueueInOrder[postOffice, parcel]("file")
	relay     = troupe.NewAction[postOffice, relayed, troupe.None]("relay")
	delivered = troupe.NewAction[postOffice, troupe.None, []int32]("delivered")
)

// parcel is a message.
type parcel struct {
	ID    int32 `json:"id"`    // from 1; no other has it
	Fails int   `json:"fails"` // how many attempts fail
	Risky bool  `json:"risky"` // it is refused or not, as luck has it
	Filed bool  `json:"filed"` // it comes by the queue that is in order
}

// relayed is a message that one post office pushes to another.
type relayed struct {
	To     string `json:"to"`
	Name   string `json:"name"` // its id, if any
	Parcel parcel `json:"parcel"`
}

type postOfficeState struct {
	Parcels []int32 `json:"parcels"`
}

// Pauses are short, and there are few attempts, so that a message is soon done with.
var postRetries = actorhost.Retries{Attempts: 5, First: 200 * time.Millisecond, Most: 800 * time.Millisecond}

var errNotHome, errNotYet = troupe.NewError("not_home", ""), errors.New("not yet")

func (s *postOfficeState) deliver(c *actorhost.Context, p parcel) error {
	q, _ := troupe.QueuedOf(c)
	switch {
	case q.Attempt <= p.Fails:
		return errNotYet
	case p.Risky && rand.N(2) == 0:
		return errNotHome
	}
	s.Parcels = append(s.Parcels, p.ID)
	return nil
}

func (s *postOfficeState) relay(c *actorhost.Context, r relayed) error {
	return r.push(c, c)
}

// push pushes the message, in a turn or not.
func (r *relayed) push(ctx context.Context, c troupe.Caller) error {
	var options []troupe.PushOption
	if r.Name != "" {
		options = append(options, troupe.PushID(r.Name))
	}
	if r.Parcel.ID%7 == 0 {
		options = append(options, troupe.NotBefore(time.Now().Add(time.Second)))
	}
	by := deliver
	if r.Parcel.Filed {
		by = file
	}
	return by.Push(ctx, troupe.GetOrCreate[postOffice](c, r.To), r.Parcel, options...)
}

func postActors() []actorhost.Definition {
	return []actorhost.Definition{
		actorhost.Define(func() postOfficeState { return postOfficeState{} },
			actorhost.OnQueue(deliver, (*postOfficeState).deliver, postRetries),
			actorhost.OnQueue(file, (*postOfficeState).deliver, postRetries),
			actorhost.On(relay, actorhost.NoOut((*postOfficeState).relay)),
			actorhost.On(delivered, actorhost.NoIn(func(s *postOfficeState, _ *actorhost.Context) ([]int32, error) { return s.Parcels, nil })),
		).Config(actorhost.TypeConfig{SleepAfter: 500 * time.Millisecond}),
	}
}
