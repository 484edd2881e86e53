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

// gapFinder finds out what subscriptions have missed if no later event tells: after the connection was away, and after
// the inbox was full. It asks each actor for its last event.
type gapFinder struct {
	position func(ctx context.Context, id troupe.ID, event string) (troupe.Position, error)
	all      func() []*sharedSub
	// tell puts each mark into the queues of its suspect's subscriptions, after all that has arrived.
	tell func(suspects []*sharedSub, marks []mark)

	mu       sync.Mutex
	suspects []*sharedSub  // may have missed events
	wake     chan struct{} // tells run that there are suspects; has room for one
}

const (
	positionsTimeout = 10 * time.Second
	positionsAtOnce  = 64
	// An event is stored before it is sent. So one that seems to be missing may be on its way, for this long.
	onItsWay = 500 * time.Millisecond
)

var errNobodyKnows = errors.New("the last events of many actors are not known")

// run is the goroutine of the finder, until quit is closed. From connected comes something when the connection is back.
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

// suspectAll starts an investigation of all subscriptions that there are now.
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

// investigate asks for the last event of each suspect that is a subscription to a single actor. For others nobody can be
// asked.
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
