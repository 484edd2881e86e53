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
	marked   sync.Map // ids of hosts with a mark: see Mark

	mu    sync.Mutex
	log   *Log
	index *Subscriptions
}

// NewEventLog returns the EventLog of a namespace: see [OpenLog].
func NewEventLog(nc *nats.Conn, ns wire.Namespace, s Settings) *EventLog {
	return &EventLog{nc: nc, ns: ns, settings: s}
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
		l.marked.Clear()
	}
	return logReplaced, indexReplaced, errors.Join(err, indexErr)
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
