package queues

import (
	"log/slog"
	"time"

	"github.com/troupe-go/troupe/internal/store"
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

func (m *message) about() []slog.Attr {
	return []slog.Attr{
		slog.String("actor_type", m.Message.Actor.Type()), slog.String("actor_key", m.Message.Actor.KeyString()),
		slog.String("queue", m.Queue), slog.String("message", m.ID),
	}
}
