package queues

import (
	"log/slog"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// message is a message in hand.
type message struct {
	store.Fed
	*store.Message
	ripe bool // it has waited

	touched time.Time // when the server was last told that it is in hand; guarded by lines.mu
}

func newMessage(fed store.Fed) *message {
	return &message{Fed: fed, Message: fed.QueueMessage(), ripe: fed.Logged.Message != "", touched: time.Now()}
}

func (m *message) about() []slog.Attr { return about(m.actor(), m.Queue, m.ID) }

func about(actor troupe.ID, queue, message string) []slog.Attr {
	return []slog.Attr{
		slog.String("actor_type", actor.Type()), slog.String("actor_key", actor.KeyString()),
		slog.String("queue", queue), slog.String("message", message),
	}
}

// actor is the actor of a message.
func (m *message) actor() troupe.ID { return m.Message.Actor }

// queue is the name of its queue among those of all actors.
func (m *message) queue() string { return m.actor().Tokens() + " " + m.Queue }

// line is the name of the line in which a message waits: those in it can be handed over together.
func (m *message) line() string {
	name := m.queue()
	if m.Existing() {
		name += " existing"
	}
	return name
}

// queued is the message as the actor gets it.
func (m *message) queued() wire.Queued {
	return wire.Queued{
		ID: m.ID, Life: m.Life(), Sequence: m.Sequence, Ripe: m.ripe, Attempt: m.Attempts() + 1, Pushed: m.Pushed().UnixMilli(),
		Again: m.Delivered > 1, Body: m.Message.Data, Trace: wire.TraceParent(wire.CarriedBy(wire.CarriedOf(m.Message.Header))),
	}
}
