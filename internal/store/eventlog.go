package store

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/wire"
)

// EventLog is the log of durable events and the index of its subscribers. Both are opened when they are first needed,
// because many hosts use neither. It is safe for concurrent use.
type EventLog struct {
	nc       *nats.Conn
	ns       wire.Namespace
	settings Settings
	marks    sync.Map      // of hosts, by id: see Mark
	opened   chan struct{} // closed when it has been opened

	mu    sync.Mutex
	log   *Log
	index *Subscriptions
}

// NewEventLog returns the EventLog of a namespace: see [OpenLog].
func NewEventLog(nc *nats.Conn, ns wire.Namespace, s Settings) *EventLog {
	return &EventLog{nc: nc, ns: ns, settings: s, opened: make(chan struct{})}
}

// Open opens the log and the index, and creates what is missing. Later calls return the same.
func (l *EventLog) Open(ctx context.Context) (*Log, *Subscriptions, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.log != nil {
		return l.log, l.index, nil
	}
	log, err := OpenLog(ctx, l.nc, l.ns, l.settings)
	if err != nil {
		return nil, nil, err
	}
	index, err := OpenSubscriptions(ctx, l.nc, l.ns, l.settings)
	if err != nil {
		return nil, nil, err
	}
	l.log, l.index = log, index
	close(l.opened)
	return log, index, nil
}

// Check is [Records.Check] for the log and for the index, if they are open.
func (l *EventLog) Check(ctx context.Context) (logReplaced, indexReplaced *Replaced, err error) {
	l.mu.Lock()
	log, index := l.log, l.index
	l.mu.Unlock()
	if log == nil {
		return nil, nil, nil
	}
	logReplaced, err = log.stream.check(ctx)
	indexReplaced, indexErr := index.bucket.check(ctx)
	if indexReplaced != nil {
		l.marks.Clear()
	}
	return logReplaced, indexReplaced, errors.Join(err, indexErr)
}

// Opened is closed once Open has succeeded.
func (l *EventLog) Opened() <-chan struct{} { return l.opened }

// FindIndex returns the index, or nil if there is none yet.
func (l *EventLog) FindIndex(ctx context.Context) (*Subscriptions, error) {
	return FindSubscriptions(ctx, l.nc, l.ns)
}

// Try fails if the host may not read the events of an actor or their subscribers, or not enter subscriptions. It
// changes nothing.
func (l *EventLog) Try(ctx context.Context, source troupe.ID) error {
	log, index, err := l.Open(ctx)
	if err != nil {
		return err
	}
	const event = "rehearsal"
	if _, _, err := log.Last(ctx, source, event); err != nil {
		return err
	}
	if _, err := index.Of(ctx, source, event); err != nil {
		return err
	}
	if err := index.Try(ctx, source); err != nil {
		return err
	}
	for _, err := range log.Read(ctx, source, event, 0, time.Time{}) {
		if err != nil {
			return err
		}
	}
	return nil
}
