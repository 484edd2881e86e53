package client

import (
	"errors"
	"log/slog"
	"slices"
	"sync"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/wire"
)

// feeds receives the events of all subscriptions of a client. Those to the same subject share one of NATS, so that an
// event crosses the network, and is taken apart, once for all of them. One goroutine reads what arrives and hands it out;
// it never waits for a subscriber.
type feeds struct {
	client *Client
	quit   chan struct{}
	hooks  chan func() // called by who reads, once what has arrived is handed out

	reading  sync.WaitGroup
	handling sync.WaitGroup // goroutines of subscriptions

	mu        sync.Mutex
	closed    bool
	bySubject map[string]*feed
	inbox     chan *nats.Msg     // nil before the first subscription
	direct    *nats.Subscription // of what is sent to connections alone
	toDirect  func(*nats.Msg)
	suspects  []*feed       // in which events may be missing that no later event tells of
	suspicion chan struct{} // there are some
}

// feed is what arrives on one subject.
type feed struct {
	subject string
	actors  troupe.Actors
	event   string // of the one actor, if it is only one: else others may arrive too
	sub     *nats.Subscription
	users   int             // subscriptions, those that are not yet in force included
	denied  error           // by the server, so that nothing will arrive
	to      []*subscription // those in force; never changed, but replaced
}

// arrival is an event, or a mark in the queue of a subscription.
type arrival struct {
	troupe.Delivery
	place   wire.Place
	subject string
	except  string // the id of a connection that it is not for
	direct  bool   // to one connection alone
	size    int
	mark    *mark
}

// inboxSize is how many events may wait to be handed out. What comes beyond is dropped, and told as a gap.
const inboxSize = 1 << 16

func newFeeds(c *Client) *feeds {
	return &feeds{
		client: c, quit: make(chan struct{}), hooks: make(chan func()),
		bySubject: make(map[string]*feed), suspicion: make(chan struct{}, 1),
	}
}

// join makes a subscription a user of its feed, which begins with the first one.
func (f *feeds) join(s *subscription) error {
	subject := f.client.ns.Events(s.listening.Actors, s.listening.Event)
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.open(); err != nil {
		return err
	}
	if s.feed = f.bySubject[subject]; s.feed == nil {
		sub, err := f.client.nc.ChanSubscribe(subject, f.inbox)
		if err != nil {
			return err
		}
		s.feed = &feed{subject: subject, actors: s.listening.Actors, event: s.listening.Event, sub: sub}
		f.bySubject[subject] = s.feed
	}
	s.feed.users++
	return nil
}

// open begins to read. The caller holds f.mu.
func (f *feeds) open() error {
	if f.closed {
		return nats.ErrConnectionClosed
	}
	if f.inbox == nil {
		f.inbox = make(chan *nats.Msg, inboxSize)
		connected := f.client.nc.StatusChanged(nats.CONNECTED)
		f.reading.Go(f.read)
		f.reading.Go(func() { f.watch(connected) })
	}
	return nil
}

// receive hands all that arrives on a subject of connections to receive, in the order of all else that arrives.
func (f *feeds) receive(subject string, receive func(*nats.Msg)) (*nats.Subscription, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.open(); err != nil {
		return nil, err
	}
	sub, err := f.client.nc.ChanSubscribe(subject, f.inbox)
	f.direct, f.toDirect = sub, receive
	return sub, err
}

// begin hands a subscription what arrives from now on: what has arrived already was broadcast before.
func (f *feeds) begin(s *subscription) error {
	done := make(chan struct{})
	var denied error
	begin := func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		denied = s.feed.denied
		s.feed.to = append(slices.Clip(s.feed.to), s)
		close(done)
	}
	select {
	case f.hooks <- begin:
		<-done
		return denied
	case <-f.quit:
		return nats.ErrConnectionClosed
	}
}

// deny has those who share a feed that the server does not allow told so, and others try anew.
func (f *feeds) deny(one *feed, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	one.denied = err
	if f.bySubject[one.subject] == one {
		delete(f.bySubject, one.subject)
	}
}

// leave is the opposite of join and begin.
func (f *feeds) leave(s *subscription) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if i := slices.Index(s.feed.to, s); i >= 0 {
		s.feed.to = slices.Delete(slices.Clone(s.feed.to), i, i+1)
	}
	if s.feed.users--; s.feed.users > 0 {
		return
	}
	if f.bySubject[s.feed.subject] == s.feed {
		delete(f.bySubject, s.feed.subject)
	}
	if err := s.feed.sub.Unsubscribe(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
		f.client.logger.Warn("unsubscribing failed", slog.String("subject", s.feed.subject), slog.Any("error", err))
	}
}

// read hands out what arrives.
func (f *feeds) read() {
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
			f.suspectAll()
		}
	}
}

func (f *feeds) handOut(msg *nats.Msg) {
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
	e := arrivalOf(msg)
	var one bool
	if e.Actor, one = from.actors.One(); one {
		e.Event = from.event
	} else if e.Actor, e.Event, one = f.client.ns.ParseEvent(msg.Subject); !one {
		return
	}
	for _, s := range to {
		if s.listening.Event == e.Event {
			s.take(e)
		}
	}
}

func arrivalOf(msg *nats.Msg) *arrival {
	e := &arrival{place: wire.ParsePlace(msg.Header), subject: msg.Subject, size: msg.Size()}
	if except := msg.Header[wire.HeaderExcept]; len(except) > 0 {
		e.except = except[0]
	}
	e.Position = e.place.Position
	e.Decode = func(into any) error { return wire.DecodeBody(msg, into) }
	return e
}

// close ends all subscriptions, and lets handlers that run go on.
func (f *feeds) close() {
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
