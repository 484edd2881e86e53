package actorhost

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/commit"
	"github.com/troupe-go/troupe/actorhost/internal/mailbox"
	"github.com/troupe-go/troupe/actorhost/internal/presence"
	"github.com/troupe-go/troupe/internal/dedup"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// activation is one actor's life in memory on one host, from the first call that finds it asleep until it falls
// asleep, moves or is destroyed. It has a mailbox, and a goroutine while there is something in it.
type activation struct {
	host    *env
	kind    *actorType
	id      troupe.ID
	session *presence.Session

	mu          sync.Mutex
	mailbox     mailbox.Mailbox[work]
	serving     dedup.ID             // of the call whose turn it is
	running     bool                 // a goroutine works the mailbox off
	closed      bool                 // nothing more is taken: the host has no such activation any more
	endedSignal chan struct{}        // closed with that; nil unless somebody waits for it
	ending      workKind             // stopWork or dropWork, to be done before all else
	used        bool                 // since the last round of the host
	idleSince   time.Duration        // by a round, from the start of the host
	listeners   map[string]*listener // by subject

	connections connections

	// The rest belongs to the goroutine that works the mailbox off; while there is none, to who holds mu.
	awake     bool // it owns the actor and has run its hooks
	created   bool // the actor exists: its record says so
	finished  bool // the activation must end: it is destroyed, or fenced off by another owner
	destroyed bool
	state     state
	current   []byte // the encoding of the state that the last turn has left behind; nil before there is one, and at rest
	merged    []byte // what the record has for it, if that is more: fields that this program does not know
	epoch     uint64
	sub       *nats.Subscription
	gate      commit.Gate
	unsent    atomic.Pointer[store.Mark]
}

type offerResult int

const (
	queued    offerResult = iota // somebody works the mailbox off
	mustRun                      // the caller must have it worked off
	duplicate                    // it is there already
	mailboxFull
	activationClosed
)

// offer puts work into the mailbox.
func (a *activation) offer(w *work) offerResult {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.closed:
		return activationClosed
	case w.Again && a.hasCall(w.ID):
		return duplicate
	case !a.mailbox.HasRoom(a.host.mailboxes, w, a.kind.config.Mailbox):
		return mailboxFull
	}
	a.mailbox.Push(a.host.mailboxes, *w)
	if !a.running {
		a.running = true
		return mustRun
	}
	return queued
}

// hasCall reports whether a call with this identity is being served or waits for that. The caller holds a.mu.
func (a *activation) hasCall(id dedup.ID) bool {
	same := func(other dedup.ID) bool {
		return other.Number != 0 && other.Number == id.Number && other.Caller == id.Caller
	}
	if same(a.serving) {
		return true
	}
	for i := range a.mailbox.Items() {
		if same(a.mailbox.Items()[i].ID) {
			return true
		}
	}
	return false
}

// requestEnd has the activation end, before anything in its mailbox is done.
func (a *activation) requestEnd(why workKind) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return
	}
	a.ending = why
	if !a.running {
		a.running = true
		a.host.ready.Add(a)
	}
}

// next takes the next thing to do; without one the goroutine must return.
func (a *activation) next() (work, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.ending != 0:
		return work{kind: a.ending}, true
	case a.mailbox.Len() > 0:
		w := a.mailbox.Pop(a.host.mailboxes)
		a.serving = w.ID
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
	return a.mailbox.Len() > 0
}

// ended is closed once the host has no such activation any more.
func (a *activation) ended() <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.endedSignal == nil {
		a.endedSignal = make(chan struct{})
		if a.closed {
			close(a.endedSignal)
		}
	}
	return a.endedSignal
}

// close has the activation take nothing more, and returns what it has not done.
func (a *activation) close() []work {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
	if a.endedSignal != nil {
		close(a.endedSignal)
	}
	return a.mailbox.Drain(a.host.mailboxes)
}

// info is what others are told of the actor.
func (a *activation) info() wire.ActorInfo {
	a.mu.Lock()
	defer a.mu.Unlock()
	return wire.ActorInfo{Awake: !a.closed, Waiting: a.mailbox.Len()}
}
