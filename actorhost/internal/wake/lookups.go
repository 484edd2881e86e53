package wake

import (
	"context"
	"sync"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/store"
)

// lookups read the subscribers to events. Events of one name and actor that come while one is read share the next reading:
// there may be very many subscribers, and of each event those count who are there when it comes.
type lookups struct {
	read func(ctx context.Context, source troupe.ID, event string) ([]store.Subscriber, error)

	mu     sync.Mutex
	topics map[eventOf]*readings
}

type eventOf struct {
	source troupe.ID
	event  string
}

// readings are those of one topic: that which is under way, and that which has not begun. One of them is not nil.
type readings struct{ now, next *reading }

type reading struct {
	done  chan struct{}
	found []store.Subscriber
	err   error
}

// of returns the subscribers as they are now or later.
func (l *lookups) of(ctx context.Context, source troupe.ID, event string) ([]store.Subscriber, error) {
	mine, first := l.join(eventOf{source, event})
	if first {
		l.begin(ctx, eventOf{source, event}, mine)
	}
	select {
	case <-mine.done:
		return mine.found, mine.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// join returns the reading of a topic that has not begun. The first who joins one must begin it.
func (l *lookups) join(of eventOf) (mine *reading, first bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.topics[of]
	if all == nil {
		all = new(readings)
		if l.topics == nil {
			l.topics = make(map[eventOf]*readings)
		}
		l.topics[of] = all
	}
	if all.next != nil {
		return all.next, false
	}
	all.next = &reading{done: make(chan struct{})}
	return all.next, true
}

// begin reads, after the reading before.
func (l *lookups) begin(ctx context.Context, of eventOf, mine *reading) {
	l.mu.Lock()
	before := l.topics[of].now
	l.mu.Unlock()
	if before != nil {
		<-before.done // it has a deadline
	}
	l.mu.Lock()
	l.topics[of].now, l.topics[of].next = mine, nil
	l.mu.Unlock()
	mine.found, mine.err = l.read(ctx, of.source, of.event)
	l.mu.Lock()
	defer l.mu.Unlock()
	close(mine.done)
	if all := l.topics[of]; all.now == mine {
		if all.now = nil; all.next == nil {
			delete(l.topics, of)
		}
	}
}
