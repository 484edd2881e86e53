package actorhost

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/dedup"
)

// activation is one actor's life in memory on one host, from the first call that finds it asleep until it falls
// asleep, moves or is destroyed. It has a mailbox, and a goroutine while there is something in it.
type activation struct {
	host    *Host
	kind    *actorType
	id      troupe.ID
	session *session

	mu        sync.Mutex
	mailbox   mailbox
	serving   dedup.ID             // of the call whose turn it is
	running   bool                 // a goroutine works the mailbox off
	closed    bool                 // nothing more is taken: the host has no such activation any more
	gone      chan struct{}        // closed with that; nil unless somebody waits for it
	interrupt workKind             // stopWork or dropWork, to be done before all else
	used      bool                 // since the last round of the host
	idleSince time.Duration        // by a round, from the start of the host
	listeners map[string]*listener // by subject

	connections connections

	// The rest belongs to the goroutine that works the mailbox off; while there is none, to who holds mu.
	awake     bool // it owns the actor and has run its hooks
	created   bool // the actor exists: its record says so
	finished  bool // the activation must end: it is destroyed, or fenced off by another owner
	destroyed bool
	state     state
	current   []byte // the encoding of the state that the last turn has left behind; nil before there is one, and at rest
	stored    []byte // what the record has for it, if that is more: fields that this program does not know
	epoch     uint64
	sub       *nats.Subscription
	gate      gate
	unsent    atomic.Pointer[unsent]
}

func newActivation(h *Host, id troupe.ID, s *session) *activation {
	a := &activation{host: h, kind: h.types[id.Type()], id: id, session: s}
	a.gate.a, a.gate.memory = a, &nothing
	a.mailbox.all = &h.waiting
	return a
}

// work is one thing in a mailbox.
type work struct {
	kind workKind

	// Of a call:
	existing bool // the actor must be there already
	again    bool // it is not sent for the first time
	ran      bool // and is counted
	message
	action   string
	served   *served
	as       codec.Codec
	id       dedup.ID
	deadline time.Duration // by the clock of the host

	*happening // what else it may be about
}

// message is what a host keeps of the message of a call, of whose memory it may be a part.
type message struct {
	reply  string
	header nats.Header
	data   []byte
	size   int // of the whole message
}

func messageOf(msg *nats.Msg) message { return message{msg.Reply, msg.Header, msg.Data, msg.Size()} }

// happening is what an actor is told that is not a call.
type happening struct {
	listener   *listener
	delivery   troupe.Delivery
	gap        troupe.Gap
	connection *Connection
}

type workKind uint8

const (
	callWork  workKind = iota + 1 // a call
	eventWork                     // an event that the actor listens to
	gapWork                       // events that it has missed
	leftWork                      // a connection is gone
	sleepWork                     // fall asleep, unless there is something to do
	stopWork                      // the host stops
	dropWork                      // the host has lost its lease
)

type offered int

const (
	taken   offered = iota // somebody works the mailbox off
	first                  // the caller must have it worked off
	pending                // it is there already
	full
	closed
)

// offer puts work into the mailbox.
func (a *activation) offer(w *work) offered {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.closed:
		return closed
	case w.again && a.waits(w.id):
		return pending
	case !a.mailbox.takes(w, a.kind.limits.mailbox):
		return full
	}
	a.mailbox.push(*w)
	if !a.running {
		a.running = true
		return first
	}
	return taken
}

// waits reports whether a call with this identity is being served or waits for that. The caller holds a.mu.
func (a *activation) waits(id dedup.ID) bool {
	same := func(other dedup.ID) bool {
		return other.Number != 0 && other.Number == id.Number && other.Caller == id.Caller
	}
	if same(a.serving) {
		return true
	}
	for i := range a.mailbox.waiting() {
		if same(a.mailbox.waiting()[i].id) {
			return true
		}
	}
	return false
}

// end has the activation end, before anything in its mailbox is done.
func (a *activation) end(why workKind) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return
	}
	a.interrupt = why
	if !a.running {
		a.running = true
		a.host.ready.add(a)
	}
}

// next takes the next thing to do; without one the goroutine must return.
func (a *activation) next() (work, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.interrupt != 0:
		return work{kind: a.interrupt}, true
	case a.mailbox.len() > 0:
		w := a.mailbox.pop()
		a.serving = w.id
		return w, true
	case !a.awake:
		return work{kind: dropWork}, true
	}
	a.running, a.serving, a.used = false, dedup.ID{}, true
	return work{}, false
}

// busy reports whether there is something to do after this.
func (a *activation) busy() bool {
	if a.host.busy() {
		return true
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.mailbox.len() > 0
}

// workOff does what is in the mailbox, one thing after the other.
func (a *activation) workOff() {
	for {
		a.gate.uncrowd()
		w, ok := a.next()
		if !ok {
			return
		}
		switch w.kind {
		case callWork:
			a.serve(&w)
		case eventWork, gapWork:
			a.handle(&w)
		case leftWork:
			a.hangUp(w.connection)
		case sleepWork:
			if !a.fallAsleep() {
				continue
			}
		case stopWork:
			a.hangUpAll()
			a.runHook("sleep", a.kind.hooks.sleep)
			a.finished = true
		case dropWork:
			a.finished = true
		}
		if a.finished {
			a.leave()
			return
		}
	}
}

// fallAsleep runs the sleep hook, unless something has come to do in the meantime.
func (a *activation) fallAsleep() bool {
	a.mu.Lock()
	wanted := a.mailbox.len() > 0 || a.connections.len() > 0
	a.mu.Unlock()
	if wanted {
		return false
	}
	a.runHook("sleep", a.kind.hooks.sleep)
	a.finished = true
	return true
}

// ended is closed once the host has no such activation any more.
func (a *activation) ended() <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.gone == nil {
		a.gone = make(chan struct{})
		if a.closed {
			close(a.gone)
		}
	}
	return a.gone
}

// leave ends the activation. What has arrived for it, and what is still on its way by its subscription, goes to the
// activation that follows, here or elsewhere.
func (a *activation) leave() {
	if a.gate.settle() == nil { // who waits for a write that fails is told by the gate
		a.unmarkSent()
	}
	a.gate.land()
	a.unlisten()
	a.abandon()
	a.unsubscribe()
	h := a.host
	h.mu.Lock()
	a.mu.Lock()
	left := a.mailbox.drain()
	a.closed = true
	gone := a.gone
	h.forget(a.id)
	a.mu.Unlock()
	h.mu.Unlock()
	if gone != nil {
		close(gone)
	}
	for _, w := range left {
		if w.kind == callWork {
			if next := h.enqueue(a.id.Tokens(), &w); next != nil {
				h.ready.add(next)
			}
		}
	}
}
