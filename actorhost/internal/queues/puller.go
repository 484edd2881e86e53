// Package queues hands the messages of queues to actors, on whichever host they are, and sees to it that none is lost, and that
// none which has to wait holds up others.
package queues

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/faults"
	"github.com/troupe-go/troupe/internal/faultlog"
	"github.com/troupe-go/troupe/internal/pause"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// Config configures a Puller.
type Config struct {
	Queues  *store.Queues
	Types   []string // that have queues
	InOrder []string // those that have one in order
	Faults  *faultlog.Log
	Logger  *slog.Logger
	// Call calls an actor, on whichever host it is.
	Call   func(ctx context.Context, call troupe.Invocation) error
	Window time.Duration // in which an actor knows a message that it has handled
	// Handling is how a message of a queue is handled.
	Handling func(actorType, queue string) Handling
	// UntilGivenUp ends when the host gives up what is under way. UntilStop ends earlier, when the host begins to stop.
	UntilGivenUp, UntilStop context.Context //nolint:containedctx // the life of the host
}

// Handling is how a message of a queue is handled.
type Handling struct {
	Retries Retries
	Timeout time.Duration // of a turn
	InOrder bool
}

// Retries says how a message is tried again whose handler has failed.
type Retries struct {
	Attempts    int
	First, Most time.Duration
	Hosts       int
}

// DefaultRetries are those of a queue for which nothing else is said.
var DefaultRetries = Retries{Attempts: 20, First: time.Second, Most: 5 * time.Minute, Hosts: 5}

// After is the pause after so many failed attempts.
func (r Retries) After(attempts int) time.Duration {
	pause := r.First
	for i := 1; i < attempts && pause < r.Most; i++ {
		pause += min(pause, r.Most-pause)
	}
	return pause
}

// Puller takes messages from the streams of queues, which the hosts of a type share, and calls the actors that they are for. A
// message is acked when it is handled and that is stored, or when it stands elsewhere: where it waits, or among the dead
// letters. One whose host dies is delivered to another.
type Puller struct {
	config  Config
	lines   lines
	bells   bells
	moves   chan struct{} // one element for each message that is being moved or looked for
	calling chan struct{} // one element for each call that counts
	running sync.WaitGroup
	quit    chan struct{}

	// GivenUp counts dead letters.
	GivenUp atomic.Int64
}

const (
	// patience is after how long a message goes to another host, unless it is in progress.
	patience = 4 * time.Second
	// ahead is how many messages of a type are fetched ahead.
	ahead = 512
	// movesAtOnce is how many messages are moved at a time.
	movesAtOnce = 256
	// moveTimeout bounds that.
	moveTimeout = 10 * time.Second
	// callsPerProcessor is how many actors a host calls at a time, for each processor: others have more messages by the time it is their
	// turn. A call that takes longer than slowCall does not count any more.
	callsPerProcessor, slowCall = 16, 20 * time.Millisecond
	// ackTimeout bounds the wait for word that a message does not come again.
	ackTimeout = 5 * time.Second
)

// What may fail for long.
const (
	hearing      = "hearing of messages in queues failed"
	moving       = "a message of a queue cannot be moved: it is tried again"
	lookingAfter = "messages of queues have not come in time"
	removing     = "messages of queues were left in their stream by a server that was killed as it took their acks"
	failing      = "a message of a queue failed and is tried again"
	waiting      = "messages of queues wait, because they cannot be handled now"
)

// Start starts a puller on streams that are open. Callers must Stop it, once UntilStop has ended.
func Start(config Config) *Puller {
	p := &Puller{
		config: config, lines: newLines(), bells: bells{all: make(map[string]*bellLine)},
		moves: make(chan struct{}, movesAtOnce), quit: make(chan struct{}),
		calling: make(chan struct{}, callsPerProcessor*runtime.GOMAXPROCS(0)),
	}
	for _, actorType := range config.Types {
		p.running.Go(func() { p.serve(actorType, config.Queues.Messages, p.take) })
		p.running.Go(func() { p.serve(actorType, config.Queues.Ripe, p.takeRipe) })
	}
	for _, actorType := range config.InOrder {
		p.running.Go(func() { p.serve(actorType, config.Queues.InOrder, p.hear) })
	}
	p.running.Go(p.keepInProgress)
	p.running.Go(p.removeLeftovers)
	p.running.Go(func() {
		store.LookAfterStuck(config.UntilStop, config.Faults, lookingAfter, "messages", config.Queues.RingStuck)
	})
	return p
}

// Stop waits for the calls under way, which end when UntilGivenUp does. What is not acked goes to other hosts.
func (p *Puller) Stop() {
	close(p.quit)
	p.running.Wait()
}

type openFeed func(
	ctx context.Context, actorType string, patience time.Duration, prefetch int, failed func(error),
) (*store.Feed, error)

// serve takes the messages of a feed until the host stops.
func (p *Puller) serve(actorType string, open openFeed, take func(*message)) {
	failed := func(err error) { p.config.Faults.Failed(hearing, store.Cause(err), err) }
	for p.config.UntilStop.Err() == nil {
		feed, err := open(p.config.UntilStop, actorType, patience, ahead, failed)
		if err != nil {
			if p.config.UntilStop.Err() == nil {
				failed(err)
			}
			pause.For(p.config.UntilStop, time.Second)
			continue
		}
		stop := context.AfterFunc(p.config.UntilStop, feed.Stop)
		for fed, ok := feed.Next(); ok; fed, ok = feed.Next() {
			p.config.Faults.Works(hearing)
			take(newMessage(fed))
		}
		stop()
		feed.Stop()
	}
}

// takeRipe is take for what has waited.
func (p *Puller) takeRipe(m *message) {
	switch {
	case m.ID == wire.BellMessage:
		p.hear(m)
	case m.InOrder():
		p.lines.hold(m)
		p.move(m, p.enter)
	default:
		p.take(m)
	}
}

// take takes a message, and does not wait for what becomes of it, but for its turn to be moved.
func (p *Puller) take(m *message) {
	p.lines.hold(m)
	if !faults.QueueAcks {
		m.Ack()
	}
	switch {
	case p.config.UntilStop.Err() != nil:
		p.giveBack(m)
	case m.Delivered > 1: // who had it before may have moved it
		p.move(m, p.lookFor)
	default:
		if wait := p.place(m); wait != nil {
			p.move(m, wait)
		}
	}
}

// lookFor acks a message that was moved, and has others handled.
func (p *Puller) lookFor(m *message) {
	ctx, cancel := context.WithTimeout(p.config.UntilGivenUp, moveTimeout)
	defer cancel()
	ripe := uint64(0)
	if m.ripe {
		ripe = m.Sequence
	}
	switch moved, err := p.config.Queues.Moved(ctx, m.Message, ripe); {
	case err != nil:
		p.config.Faults.Failed(moving, store.Cause(err), err, m.about()...)
		p.giveBack(m)
	case moved:
		p.ack(m)
	default:
		if wait := p.place(m); wait != nil {
			wait(m)
		}
	}
}

// place puts a message behind the others of its line. If it has to wait elsewhere, it returns what has it do so.
func (p *Puller) place(m *message) (wait func(*message)) {
	if at := m.NotBefore(); !m.ripe && at.After(p.config.Queues.Now()) {
		return func(m *message) { p.later(m, at, m.With(0, 0, "")) }
	}
	if p.config.Handling(m.actor().Type(), m.Queue).InOrder { // whoever has pushed it took it for another queue
		return p.enter
	}
	l, start, pause := p.lines.add(m)
	if pause > 0 {
		return func(m *message) { p.waits(m, pause) }
	}
	if start {
		p.running.Go(func() { p.work(l) })
	}
	return nil
}

// move does what takes a while with a message, when not too many others are moved.
func (p *Puller) move(m *message, do func(*message)) {
	p.moves <- struct{}{} // the wait ends: all have deadlines
	p.running.Go(func() {
		defer func() { <-p.moves }()
		do(m)
	})
}

// keepInProgress reports the messages that are in hand for long.
func (p *Puller) keepInProgress() {
	ticker := time.NewTicker(patience / 4)
	defer ticker.Stop()
	for {
		select {
		case <-p.quit:
			return
		case <-ticker.C:
		}
		for _, m := range p.lines.old(patience / 4) {
			m.InProgress()
		}
	}
}

// leftoversEvery is how often a host looks for messages that were left in their stream.
const leftoversEvery = 10 * time.Second

var errLeft = errors.New("they are removed; what may not have been handled comes again")

// removeLeftovers removes messages that are acked, and in their stream, until the host stops.
func (p *Puller) removeLeftovers() {
	before := make(map[string][]store.Leftover)
	for pause.For(p.config.UntilStop, leftoversEvery) {
		removed, all := 0, error(nil)
		for _, actorType := range p.config.Types {
			ctx, cancel := context.WithTimeout(p.config.UntilStop, moveTimeout)
			found, n, err := p.config.Queues.RemoveLeftovers(ctx, actorType, before[actorType], p.config.Window/2)
			cancel()
			before[actorType] = found
			removed, all = removed+n, errors.Join(all, err)
		}
		switch {
		case p.config.UntilStop.Err() != nil:
		case all != nil:
			p.config.Faults.Failed(removing, store.Cause(all), all)
		case removed > 0:
			p.config.Faults.Failed(removing, "", errLeft, slog.Int("messages", removed))
		default:
			p.config.Faults.Works(removing)
		}
	}
}
