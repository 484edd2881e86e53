package events

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe"
)

// gapFinder finds out what subscriptions have missed when no later event tells: after the connection was away, and after
// events were dropped for which there was no room. It asks for the last event of each actor.
type gapFinder struct {
	position func(ctx context.Context, id troupe.ID, event string) (troupe.Position, error)
	all      func() []*sharedSub
	// tell hands the subscriptions of each suspect its mark, after all that has arrived.
	tell func(suspects []*sharedSub, marks []mark)

	mu       sync.Mutex
	suspects []*sharedSub  // of which events may be missing
	wake     chan struct{} // there are some; it has room for one
}

const (
	positionsTimeout = 10 * time.Second
	positionsAtOnce  = 64
	// An event is stored before it is sent, so for a moment there may be one that is merely on its way.
	onItsWay = 500 * time.Millisecond
)

var errNobodyKnows = errors.New("the last events of many actors are not known")

// run is the goroutine of the finder. Connected tells when the connection is back.
func (g *gapFinder) run(connected <-chan nats.Status, quit <-chan struct{}) {
	for {
		select {
		case <-quit:
			return
		case <-connected:
			g.suspectAll()
		case <-g.wake:
			g.mu.Lock()
			suspects := g.suspects
			g.suspects = nil
			g.mu.Unlock()
			g.investigate(suspects, quit)
		}
	}
}

// suspectAll has all subscriptions that there are now looked into.
func (g *gapFinder) suspectAll() {
	all := g.all()
	g.mu.Lock()
	g.suspects = all
	g.mu.Unlock()
	select {
	case g.wake <- struct{}{}:
	default:
	}
}

// investigate asks for the last event of each actor that is subscribed to by itself. For others nobody can be asked.
func (g *gapFinder) investigate(suspects []*sharedSub, quit <-chan struct{}) {
	ctx, cancel := context.WithTimeout(context.Background(), positionsTimeout)
	defer cancel()
	marks := make([]mark, len(suspects))
	var asking errgroup.Group
	asking.SetLimit(positionsAtOnce)
	for i, one := range suspects {
		id, ok := one.actors.One()
		if !ok {
			marks[i].err = errNobodyKnows
			continue
		}
		asking.Go(func() error {
			marks[i].last, marks[i].err = g.position(ctx, id, one.event)
			return nil
		})
	}
	_ = asking.Wait() // it has no errors
	timer := time.NewTimer(onItsWay)
	defer timer.Stop()
	select {
	case <-timer.C:
		g.tell(suspects, marks)
	case <-quit:
	}
}
