package look

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/store"
)

// DeadLetter is a message of a queue that was given up.
type DeadLetter struct {
	Queue    string
	ID       string
	Pushed   time.Time
	Died     time.Time
	Attempts int
	Error    string
	Message  json.RawMessage // nil: it has none, or it cannot be shown
}

// Queues returns how many messages the queues of an actor have.
func (l *Looker) Queues(ctx context.Context, id troupe.ID) ([]store.QueueCount, error) {
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	return store.QueueCountsOf(ctx, l.nc, l.namespace, id)
}

// AnyQueue is the name of all queues.
const AnyQueue = "*"

// DeadLetters reads up to so many dead letters of a queue of an actor, or of all its queues, the oldest first. Zero is all of them.
func (l *Looker) DeadLetters(ctx context.Context, id troupe.ID, queue string, most int) (letters []DeadLetter, more bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	for m, err := range store.DeadMessages(ctx, l.nc, l.namespace, l.namespace.Dead(id, queue, "*")) {
		if err != nil {
			return nil, false, fmt.Errorf("reading the dead letters of %s: %w", ActorText(id), err)
		}
		if most > 0 && len(letters) == most {
			return letters, true, nil
		}
		letters = append(letters, DeadLetter{m.Queue, m.ID, m.Pushed(), m.Stored, m.Attempts(), m.Failure(), messageJSON(m)})
	}
	return letters, false, nil
}

// messageJSON is a message as JSON, or nil if that cannot be.
func messageJSON(m *store.Message) json.RawMessage {
	as, err := m.Codec()
	data := m.Data
	if err == nil && as == codec.MsgPack && len(data) > 0 {
		data, err = codec.ToJSON(data)
	}
	if err != nil || !json.Valid(data) {
		return nil
	}
	return data
}
