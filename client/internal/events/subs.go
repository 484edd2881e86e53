// Package events receives the events that a client subscribes to, and calls their handlers.
package events

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/wire"
)

// Config is what subscriptions need of their client.
type Config struct {
	Conn      *nats.Conn
	Namespace wire.Namespace
	Queue     int           // bounds the events of a subscription, or of a connection, that wait
	Timeout   time.Duration // bounds the making of a subscription
	Logger    *slog.Logger
	Intercept troupe.Interceptor // around handlers; nil: none
	// Position asks for the last event of a name that an actor has broadcast.
	Position func(ctx context.Context, id troupe.ID, event string) (troupe.Position, error)
}

// Subs are all subscriptions of a client. Those to the same subject share one NATS subscription, so an event crosses the
// network, and is decoded, once for all of them. One goroutine reads what arrives and hands it out. It never waits for a
// subscriber.
type Subs struct {
	config Config
	gaps   gapFinder
	quit   <-chan struct{} // that of ctx
	ctx    context.Context //nolint:containedctx // the life of the subscriptions
	cancel context.CancelFunc
	hooks  chan func() // the reader calls them, after what has arrived is handed out

	reading sync.WaitGroup
	workers sync.WaitGroup // goroutines of queues
	drops   atomic.Int64   // events that queues have dropped

	mu        sync.Mutex // may be held when that of a queue is taken
	closed    bool
	failed    error // why nothing arrives any more; nil before
	bySubject map[string]*sharedSub
	inbox     chan *nats.Msg     // nil before the first subscription
	direct    *nats.Subscription // to what is sent to connections alone
	toDirect  func(*nats.Msg)
}

// inboxSize bounds the events that wait to be handed out. Those beyond it are dropped, and told as a gap.
const inboxSize = 1 << 16

// NewSubs returns the subscriptions of a new client. They must be closed.
func NewSubs(config Config) *Subs {
	s := &Subs{config: config, hooks: make(chan func()), bySubject: make(map[string]*sharedSub)}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.quit = s.ctx.Done()
	s.gaps = gapFinder{
		position: config.Position, all: s.all, arrived: s.arrived, tell: s.tell, ofMany: s.ofMany, tellMany: s.tellMany,
		wake: make(chan struct{}, 1),
	}
	return s
}

func (s *Subs) newQueue() *eventQueue {
	return &eventQueue{limit: s.config.Queue, workers: &s.workers, drops: &s.drops}
}

// Dropped is how many events were dropped because too many waited for their handlers.
func (s *Subs) Dropped() int64 { return s.drops.Load() }

// open begins to read. The caller holds s.mu.
func (s *Subs) open() error {
	if s.closed {
		return errClosed
	}
	if s.failed != nil {
		return s.failed
	}
	if s.inbox == nil {
		s.inbox = make(chan *nats.Msg, inboxSize)
		connected := s.config.Conn.StatusChanged(nats.CONNECTED)
		s.reading.Go(s.read)
		s.reading.Go(func() {
			defer s.config.Conn.RemoveStatusListener(connected)
			s.gaps.run(s.ctx, connected)
		})
		s.reading.Go(hearReplaced(s.ctx, s.config.Conn, s.config.Namespace.RecordsReplaced(), s.config.Timeout, s.gaps.hearReplaced))
	}
	return nil
}

// Receive calls receive for each message on the subject of what is sent to connections alone, in one order with all else
// that arrives. It is called once.
func (s *Subs) Receive(subject string, receive func(*nats.Msg)) (*nats.Subscription, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.open(); err != nil {
		return nil, err
	}
	natsSub, err := s.config.Conn.ChanSubscribe(subject, s.inbox)
	s.direct, s.toDirect = natsSub, receive
	return natsSub, err
}

// join finds or makes the NATS subscription for sub, and counts sub as a user of it.
func (s *Subs) join(sub *subscription) (*sharedSub, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.open(); err != nil {
		return nil, err
	}
	one := s.bySubject[sub.subject]
	if one == nil {
		natsSub, err := s.config.Conn.ChanSubscribe(sub.subject, s.inbox)
		if err != nil {
			return nil, err
		}
		one = &sharedSub{subject: sub.subject, actors: sub.request.Actors, event: sub.request.Event, sub: natsSub}
		s.bySubject[sub.subject] = one
	}
	one.users++
	return one, nil
}

// begin puts sub in force: it gets what arrives from now on. What has arrived already was broadcast before.
func (s *Subs) begin(one *sharedSub, sub *subscription) error {
	var denied error
	if !s.inOrder(func() { denied = cmp.Or(one.denied, s.failed); one.begin(sub) }) {
		return errClosed
	}
	return denied
}

// inOrder calls do, under s.mu, after all that has arrived is handed out. It reports false if the subscriptions are closed
// before that.
func (s *Subs) inOrder(do func()) bool {
	done := make(chan struct{})
	hook := func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		do()
		close(done)
	}
	select {
	case s.hooks <- hook:
		<-done
		return true
	case <-s.quit:
		return false
	}
}

// deny tells those who share a subscription that the server does not allow it. Later ones try anew.
func (s *Subs) deny(one *sharedSub, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one.denied = err
	s.forget(one)
}

// leave undoes join and begin.
func (s *Subs) leave(one *sharedSub, sub *subscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !one.leave(sub) {
		return
	}
	s.forget(one)
	if err := one.sub.Unsubscribe(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
		s.config.Logger.Warn("unsubscribing failed", slog.String("subject", one.subject), slog.Any("error", err))
	}
}

// forget is called by who holds s.mu.
func (s *Subs) forget(one *sharedSub) {
	if s.bySubject[one.subject] == one {
		delete(s.bySubject, one.subject)
	}
}

func (s *Subs) all() []*sharedSub {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Values(s.bySubject))
}

func (s *Subs) arrived(one *sharedSub) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return one.arrived
}

// tell puts the mark of each suspect into the queues of its subscriptions, after what has arrived.
func (s *Subs) tell(suspects []suspect) {
	s.inOrder(func() {
		for i := range suspects {
			one := &suspects[i]
			if one.arrived != one.sub.arrived {
				one.mark.replaced = false // an event that has come meanwhile tells
			}
			for _, sub := range one.sub.to {
				sub.take(&arrival{mark: &one.mark})
			}
		}
	})
}

// ofMany has those who share a subscription to many actors say what they have heard, each after what is in its queue.
func (s *Subs) ofMany(one *sharedSub) {
	s.mu.Lock()
	to := one.to
	s.mu.Unlock()
	for _, sub := range to {
		sub.queue.then(func() { s.gaps.askMany(crowd{sub, s.heardOf(sub)}) })
	}
}

// heardOf is what a subscription has heard last, of each actor. It runs on the goroutine of its queue.
func (s *Subs) heardOf(sub *subscription) (marks []*arrival) {
	for subject, last := range sub.order.All() {
		if len(marks) == maxAsked {
			break
		}
		e := &arrival{subject: subject, mark: &mark{replaced: true, heard: last}}
		var ok bool
		if e.Actor, e.Event, ok = s.config.Namespace.ParseEvent(subject); ok {
			marks = append(marks, e)
		}
	}
	return marks
}

// tellMany puts marks into the queue of a subscription, after what has arrived.
func (s *Subs) tellMany(sub *subscription, marks []*arrival) {
	s.inOrder(func() {
		for _, e := range marks {
			sub.take(e)
		}
	})
}

// read hands out what arrives.
func (s *Subs) read() {
	crowded := false
	for {
		select {
		case msg := <-s.inbox:
			crowded = crowded || len(s.inbox) >= inboxSize-1 // perhaps there was no room for another
			s.handOut(msg)
		case hook := <-s.hooks:
			for range len(s.inbox) {
				s.handOut(<-s.inbox)
			}
			hook()
		case <-s.quit:
			return
		}
		if crowded && len(s.inbox) == 0 {
			crowded = false
			s.gaps.suspectAll(missed)
		}
	}
}

// handOut gives an event to the subscriptions that are in force.
func (s *Subs) handOut(msg *nats.Msg) {
	s.mu.Lock()
	if msg.Sub == s.direct {
		receive := s.toDirect
		s.mu.Unlock()
		receive(msg)
		return
	}
	from := s.bySubject[msg.Sub.Subject]
	var to []*subscription
	if from != nil && from.sub == msg.Sub {
		to = from.to
		from.arrived++
	}
	s.mu.Unlock()
	if len(to) == 0 {
		return
	}
	e := newArrival(msg)
	var one bool
	if e.Actor, one = from.actors.One(); one {
		e.Event = from.event
	} else if e.Actor, e.Event, one = s.config.Namespace.ParseEvent(msg.Subject); !one {
		return
	}
	for _, sub := range to {
		if sub.request.Event == e.Event {
			sub.take(e)
		}
	}
}

// Fail ends all subscriptions once what has arrived is handed out and handled. Nothing will arrive any more.
func (s *Subs) Fail(why error) {
	s.mu.Lock()
	s.failed = why
	reading := s.inbox != nil
	s.mu.Unlock()
	if !reading {
		return
	}
	s.inOrder(func() {
		for _, one := range s.bySubject {
			for _, sub := range one.to {
				sub.finish(why)
			}
		}
	})
}

// errClosed is why nothing arrives once the client is closed.
var errClosed = &troupe.Error{Code: troupe.CodeUnavailable, Message: "the client is closed"}

// Close ends all subscriptions. Handlers that run go on: see [Subs.Handled].
func (s *Subs) Close() {
	s.mu.Lock()
	closed := s.closed
	s.closed = true
	s.mu.Unlock()
	if closed {
		return
	}
	s.cancel()
	s.reading.Wait()
	s.mu.Lock()
	var all []*subscription
	for _, one := range s.bySubject {
		all = append(all, one.to...)
	}
	s.mu.Unlock()
	for _, sub := range all {
		sub.end(errClosed)
	}
}

// Handled waits for the handlers that run, until ctx is done.
func (s *Subs) Handled(ctx context.Context) error {
	handled := make(chan struct{})
	go func() { s.workers.Wait(); close(handled) }()
	select {
	case <-handled:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
