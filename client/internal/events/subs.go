// Package events receives the events that a client subscribes to, and has them handled.
package events

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/wire"
)

// Config is what subscriptions need of their client.
type Config struct {
	Conn      *nats.Conn
	Namespace wire.Namespace
	Queue     int           // how many events of a subscription, or of a connection, may wait
	Timeout   time.Duration // of making a subscription
	Logger    *slog.Logger
	// Position asks for the last event of a name that an actor has broadcast.
	Position func(ctx context.Context, id troupe.ID, event string) (troupe.Position, error)
}

// Subs are all subscriptions of a client. Those to the same subject share one of NATS, so that an event crosses the
// network, and is taken apart, once for all of them. One goroutine reads what arrives and hands it out; it never waits for
// a subscriber.
type Subs struct {
	config Config
	gaps   gapFinder
	quit   chan struct{}
	hooks  chan func() // called by who reads, once what has arrived is handed out

	reading sync.WaitGroup
	workers sync.WaitGroup // goroutines of queues

	mu        sync.Mutex // before that of a queue
	closed    bool
	bySubject map[string]*sharedSub
	inbox     chan *nats.Msg     // nil before the first subscription
	direct    *nats.Subscription // of what is sent to connections alone
	toDirect  func(*nats.Msg)
}

// inboxSize is how many events may wait to be handed out. What comes beyond is dropped, and told as a gap.
const inboxSize = 1 << 16

// NewSubs returns subscriptions, of which there are none yet. They must be closed.
func NewSubs(config Config) *Subs {
	f := &Subs{config: config, quit: make(chan struct{}), hooks: make(chan func()), bySubject: make(map[string]*sharedSub)}
	f.gaps = gapFinder{position: config.Position, all: f.all, tell: f.tell, wake: make(chan struct{}, 1)}
	return f
}

func (f *Subs) newQueue() *eventQueue { return &eventQueue{limit: f.config.Queue, workers: &f.workers} }

// open begins to read. The caller holds f.mu.
func (f *Subs) open() error {
	if f.closed {
		return nats.ErrConnectionClosed
	}
	if f.inbox == nil {
		f.inbox = make(chan *nats.Msg, inboxSize)
		connected := f.config.Conn.StatusChanged(nats.CONNECTED)
		f.reading.Go(f.read)
		f.reading.Go(func() {
			defer f.config.Conn.RemoveStatusListener(connected)
			f.gaps.run(connected, f.quit)
		})
	}
	return nil
}

// Receive hands all that arrives on a subject of connections to receive, in the order of all else that arrives. There is
// one such subject.
func (f *Subs) Receive(subject string, receive func(*nats.Msg)) (*nats.Subscription, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.open(); err != nil {
		return nil, err
	}
	sub, err := f.config.Conn.ChanSubscribe(subject, f.inbox)
	f.direct, f.toDirect = sub, receive
	return sub, err
}

// join makes a subscription a user of its shared one, which is made with the first.
func (f *Subs) join(s *subscription) (*sharedSub, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.open(); err != nil {
		return nil, err
	}
	one := f.bySubject[s.subject]
	if one == nil {
		sub, err := f.config.Conn.ChanSubscribe(s.subject, f.inbox)
		if err != nil {
			return nil, err
		}
		one = &sharedSub{subject: s.subject, actors: s.listening.Actors, event: s.listening.Event, sub: sub}
		f.bySubject[s.subject] = one
	}
	one.users++
	return one, nil
}

// begin hands a subscription what arrives from now on: what has arrived already was broadcast before.
func (f *Subs) begin(one *sharedSub, s *subscription) error {
	var denied error
	if !f.inOrder(func() { denied = one.denied; one.begin(s) }) {
		return nats.ErrConnectionClosed
	}
	return denied
}

// inOrder has do called, under f.mu, once all that has arrived is handed out. It reports false when the subscriptions are
// closed before.
func (f *Subs) inOrder(do func()) bool {
	done := make(chan struct{})
	hook := func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		do()
		close(done)
	}
	select {
	case f.hooks <- hook:
		<-done
		return true
	case <-f.quit:
		return false
	}
}

// deny has those who share a subscription that the server does not allow told so, and others try anew.
func (f *Subs) deny(one *sharedSub, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	one.denied = err
	f.forget(one)
}

// leave is the opposite of join and begin.
func (f *Subs) leave(one *sharedSub, s *subscription) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !one.leave(s) {
		return
	}
	f.forget(one)
	if err := one.sub.Unsubscribe(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
		f.config.Logger.Warn("unsubscribing failed", slog.String("subject", one.subject), slog.Any("error", err))
	}
}

// forget is called by who holds f.mu.
func (f *Subs) forget(one *sharedSub) {
	if f.bySubject[one.subject] == one {
		delete(f.bySubject, one.subject)
	}
}

func (f *Subs) all() []*sharedSub {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Collect(maps.Values(f.bySubject))
}

func (f *Subs) tell(suspects []*sharedSub, marks []mark) {
	f.inOrder(func() {
		for i, one := range suspects {
			for _, s := range one.to {
				s.take(&arrival{mark: &marks[i]})
			}
		}
	})
}

// read hands out what arrives.
func (f *Subs) read() {
	crowded := false
	for {
		select {
		case msg := <-f.inbox:
			crowded = crowded || len(f.inbox) >= inboxSize-1 // perhaps there was no room for another
			f.handOut(msg)
		case hook := <-f.hooks:
			for range len(f.inbox) {
				f.handOut(<-f.inbox)
			}
			hook()
		case <-f.quit:
			return
		}
		if crowded && len(f.inbox) == 0 {
			crowded = false
			f.gaps.suspectAll()
		}
	}
}

func (f *Subs) handOut(msg *nats.Msg) {
	f.mu.Lock()
	if msg.Sub == f.direct {
		receive := f.toDirect
		f.mu.Unlock()
		receive(msg)
		return
	}
	from := f.bySubject[msg.Sub.Subject]
	var to []*subscription
	if from != nil && from.sub == msg.Sub {
		to = from.to
	}
	f.mu.Unlock()
	if len(to) == 0 {
		return
	}
	e := newArrival(msg)
	var one bool
	if e.Actor, one = from.actors.One(); one {
		e.Event = from.event
	} else if e.Actor, e.Event, one = f.config.Namespace.ParseEvent(msg.Subject); !one {
		return
	}
	for _, s := range to {
		if s.listening.Event == e.Event {
			s.take(e)
		}
	}
}

// Close ends all subscriptions, and lets handlers that run go on: see [Subs.Handled].
func (f *Subs) Close() {
	f.mu.Lock()
	closed := f.closed
	f.closed = true
	f.mu.Unlock()
	if closed {
		return
	}
	close(f.quit)
	f.reading.Wait()
	f.mu.Lock()
	var all []*subscription
	for _, one := range f.bySubject {
		all = append(all, one.to...)
	}
	f.mu.Unlock()
	for _, s := range all {
		_ = s.Unsubscribe() // never fails
	}
}

// Handled waits for the handlers that run, until ctx is done.
func (f *Subs) Handled(ctx context.Context) error {
	handled := make(chan struct{})
	go func() { f.workers.Wait(); close(handled) }()
	select {
	case <-handled:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
