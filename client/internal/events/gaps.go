package events

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/pause"
)

// gapFinder finds out what subscriptions have missed if no later event tells: after the connection was away, after the inbox
// was full, and when the records of actors were replaced. It asks each actor for its last event.
type gapFinder struct {
	position func(ctx context.Context, id troupe.ID, event string) (troupe.Position, error)
	all      func() []*sharedSub
	arrived  func(*sharedSub) uint64
	// tell puts the mark of each suspect into the queues of its subscriptions, after all that has arrived.
	tell func(suspects []suspect)
	// ofMany has those who share a subscription to many actors call askMany.
	ofMany func(*sharedSub)
	// tellMany puts marks into the queue of a subscription, after all that has arrived.
	tellMany func(*subscription, []*arrival)

	mu       sync.Mutex
	suspects []*sharedSub  // may have missed events
	why      reason        // all that holds for them
	many     []crowd       // of which the actors are to be asked, the records having been replaced
	replaced time.Time     // when the records were last said to be
	wake     chan struct{} // tells run that there are suspects; has room for one
}

// reason is why there is something to find out.
type reason uint8

const (
	missed   reason = 1 << iota // events may not have arrived
	replaced                    // the records of actors may have been lost, or put back
)

// suspect is a subscription that may have missed events, with what its actor says.
type suspect struct {
	sub     *sharedSub
	arrived uint64 // when the actor was asked
	mark    mark
}

// At most positionsAtOnce questions are under way, and positionsAtATime are asked before their answers are told, which takes
// onItsWay: an event is stored before it is sent, so one that seems to be missing may be on its way, for that long. Clients that
// hear of replaced records at the same time begin to ask within spread. Each host tells of them, twice.
const (
	positionsTimeout = 10 * time.Second
	positionsAtOnce  = 64
	positionsAtATime = 1024
	onItsWay         = 500 * time.Millisecond
	spread           = 500 * time.Millisecond
	toldAgain        = 3 * time.Second
)

// maxAsked is of how many actors a subscription to many asks for the last event when the records were replaced. The next event of
// the others tells.
const maxAsked = 1 << 14

// crowd is what a subscription to many actors has heard of them: marks that are to say what their last events are.
type crowd struct {
	of    *subscription
	marks []*arrival
}

var errNobodyKnows = errors.New("the last events of many actors are not known")

// run is the goroutine of the finder, until ctx is done. From connected comes something when the connection is back.
func (g *gapFinder) run(ctx context.Context, connected <-chan nats.Status) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-connected:
			g.suspectAll(missed)
		case <-g.wake:
			g.mu.Lock()
			suspects, why, many := g.suspects, g.why, g.many
			g.suspects, g.why, g.many = nil, 0, nil
			g.mu.Unlock()
			if why == replaced && !pause.For(ctx, rand.N(spread)) {
				return
			}
			for some := range slices.Chunk(suspects, positionsAtATime) {
				g.investigate(ctx, some, why)
			}
			for _, one := range many {
				g.investigateMany(ctx, one)
			}
		}
	}
}

// suspectAll starts an investigation of all subscriptions that there are now.
func (g *gapFinder) suspectAll(why reason) {
	all := g.all()
	g.mu.Lock()
	g.suspects = all
	g.why |= why
	g.mu.Unlock()
	g.goOn()
}

func (g *gapFinder) goOn() {
	select {
	case g.wake <- struct{}{}:
	default:
	}
}

// hearReplaced is told that the records were replaced, by one host after the other.
func (g *gapFinder) hearReplaced() {
	g.mu.Lock()
	again := !g.replaced.IsZero() && time.Since(g.replaced) < toldAgain
	if !again {
		g.replaced = time.Now()
	}
	g.mu.Unlock()
	if !again {
		g.suspectAll(replaced)
	}
}

// investigate asks for the last event of each suspect that is a subscription to a single actor. One to many does not know whom it may
// have missed; of the actors that it has heard it asks if the records were replaced.
func (g *gapFinder) investigate(ctx context.Context, subs []*sharedSub, why reason) {
	asked, cancel := context.WithTimeout(ctx, positionsTimeout)
	defer cancel()
	suspects := make([]suspect, len(subs))
	var asking errgroup.Group
	asking.SetLimit(positionsAtOnce)
	for i, sub := range subs {
		one := &suspects[i]
		one.sub, one.mark.replaced = sub, why&replaced != 0
		id, ok := sub.actors.One()
		if !ok {
			one.mark.err = errNobodyKnows
			if why&replaced != 0 {
				g.ofMany(sub)
			}
			continue
		}
		asking.Go(func() error {
			one.arrived = g.arrived(sub)
			one.mark.last, one.mark.err = g.position(asked, id, sub.event)
			return nil
		})
	}
	_ = asking.Wait()    // it has no errors
	if why&missed == 0 { // then what nobody knows is for the next event to tell: perhaps nothing was lost
		suspects = slices.DeleteFunc(suspects, func(one suspect) bool { return one.mark.err != nil })
	}
	if pause.For(ctx, onItsWay) {
		g.tell(suspects)
	}
}

// askMany has the actors be asked of which a subscription has heard, once, however often that is requested.
func (g *gapFinder) askMany(one crowd) {
	g.mu.Lock()
	g.many = append(slices.DeleteFunc(g.many, func(other crowd) bool { return other.of == one.of }), one)
	g.mu.Unlock()
	g.goOn()
}

// investigateMany asks for the last event of each actor that a subscription to many has heard. Who does not answer is for the next
// event to tell of.
func (g *gapFinder) investigateMany(ctx context.Context, one crowd) {
	for some := range slices.Chunk(one.marks, positionsAtATime) {
		if one.of.ended.Load() {
			return
		}
		asked, cancel := context.WithTimeout(ctx, positionsTimeout)
		var asking errgroup.Group
		asking.SetLimit(positionsAtOnce)
		for _, e := range some {
			asking.Go(func() error {
				e.mark.last, e.mark.err = g.position(asked, e.Actor, e.Event)
				return nil
			})
		}
		_ = asking.Wait() // it has no errors
		cancel()
		if !pause.For(ctx, onItsWay) {
			return
		}
		g.tellMany(one.of, slices.DeleteFunc(some, func(e *arrival) bool { return e.mark.err != nil }))
	}
}
