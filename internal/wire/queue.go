package wire

import (
	"crypto/sha256"
	"encoding/base32"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
)

// Headers of the messages of queues.
const (
	// HeaderNotBefore is when a message may be handled, as RFC 3339 has it.
	HeaderNotBefore = "Troupe-Not-Before"
	// HeaderPushID is the name that its sender has given a message: of those in a queue of an actor with one name, one takes
	// effect. What JetStream itself has for that would do too, but knows names of the whole stream: so whoever may push to one
	// actor could keep away what is for another.
	HeaderPushID = "Troupe-Push-Id"

	// The others are of messages that a host has moved: when it was pushed, how many attempts have failed, how often it had
	// to wait for another reason, and why it failed last.
	HeaderPushed   = "Troupe-Pushed"
	HeaderAttempts = "Troupe-Attempts"
	HeaderWaits    = "Troupe-Waits"
	HeaderFailure  = "Troupe-Error"
	// HeaderLife is how often the message was a dead letter, and is handled again.
	HeaderLife = "Troupe-Life"
)

// QueueRoom is how many bytes of the server's max_payload a message must leave for the headers that hosts add.
const QueueRoom = 4 << 10

// Queue is the subject of a queue of an actor.
func (n Namespace) Queue(id troupe.ID, queue string) string { return n.actor("queue", id, queue) }

// QueueType matches the queues of all actors of a type.
func (n Namespace) QueueType(actorType string) string { return n.Moved("queue", actorType) }

// Moved matches the messages of a kind for actors of a type, or of all if it is empty.
func (n Namespace) Moved(kind, actorType string) string {
	if actorType == "" {
		return n.name + "." + kind + ".>"
	}
	return n.name + "." + kind + "." + actorType + ".>"
}

// MovedOf matches the messages of a kind for one actor: those of the streams with one subject for a queue, and of the others.
func (n Namespace) MovedOf(kind string, id troupe.ID) string {
	every := n.actor(kind, id, "*")
	if kind == "queue" || kind == "inorder" {
		return every
	}
	return every + ".*"
}

// ParseQueue parses the subject of a queue, and checks the ID.
func (n Namespace) ParseQueue(subject string) (id troupe.ID, queue string, ok bool) {
	id, queue, ok = n.parse(subject, ".queue.")
	return id, queue, ok && troupe.CheckName("queue", queue) == nil
}

// Later is the subject of a message that waits for a time, Ripe the one on which it comes then, and Dead that of a dead letter.
func (n Namespace) Later(id troupe.ID, queue, message string) string {
	return n.actor("later", id, queue) + "." + message
}

// Ripe is the subject on which a message comes that has waited.
func (n Namespace) Ripe(id troupe.ID, queue, message string) string {
	return n.actor("ripe", id, queue) + "." + message
}

// RipeType matches what has waited for the actors of a type.
func (n Namespace) RipeType(actorType string) string { return n.Moved("ripe", actorType) }

// Dead is the subject of a dead letter.
func (n Namespace) Dead(id troupe.ID, queue, message string) string {
	return n.actor("dead", id, queue) + "." + message
}

// ParseMoved parses the subject of a message that a host has moved: to "later", "ripe" or "dead".
func (n Namespace) ParseMoved(subject, kind string) (id troupe.ID, queue, message string, ok bool) {
	dot := strings.LastIndexByte(subject, '.')
	if dot < 0 {
		return id, "", "", false
	}
	id, queue, ok = n.parse(subject[:dot], "."+kind+".")
	return id, queue, subject[dot+1:], ok && troupe.CheckName("queue", queue) == nil && IsMessageID(subject[dot+1:])
}

// MessageID names a message among those of its queue. It is a token of a subject. One that its sender has named is known by
// that; any other by when it was stored and its number in the stream, which no other has, whatever becomes of the stream.
func MessageID(header nats.Header, stored time.Time, sequence uint64) string {
	for _, by := range [...]string{HeaderPushID, "Nats-Msg-Id"} {
		if name := FirstHeader(header, by); name != "" {
			return NamedMessage(name)
		}
	}
	return "s" + strconv.FormatInt(stored.UnixNano(), 36) + "-" + strconv.FormatUint(sequence, 36)
}

// NamedMessage is the [MessageID] of a message whose sender has named it.
func NamedMessage(name string) string {
	sum := sha256.Sum256([]byte(name))
	return "p" + strings.ToLower(base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:16]))
}

// IsMessageID reports whether text can be a [MessageID].
func IsMessageID(text string) bool {
	return len(text) <= maxMessageID && troupe.CheckName("message", text) == nil
}

// maxMessageID is how long a [MessageID] may be.
const maxMessageID = 64

// QueuedRequest is the request id under which an actor knows a message of a queue.
func QueuedRequest(queue string, m *Queued) string { return "~queue/" + queue + "/" + m.Key() }

// QueuedBatch is the input of [QueuedAction]. The output is a list with a [QueuedReply] for each message, in order: for those that are
// missing at its end, nothing was begun. With a bell there are no messages, and the output is a [Passed].
type QueuedBatch struct {
	Queue    string   `json:"queue"`
	Messages []Queued `json:"messages,omitempty"`
	Acked    []string `json:"acked,omitempty"` // keys of earlier messages that will not come again
	Bell     *Bell    `json:"bell,omitempty"`
}

// Queued is a message that is handed over.
type Queued struct {
	ID       string `json:"id"`
	Life     int    `json:"life,omitempty"` // how often it was a dead letter
	Sequence uint64 `json:"seq"`            // in its stream
	Ripe     bool   `json:"ripe,omitempty"` // which is that of those that have waited
	Attempt  int    `json:"attempt"`        // from 1
	Pushed   int64  `json:"pushed"`         // in milliseconds since 1970
	JSON     bool   `json:"json,omitempty"` // the body is that, else msgpack
	Body     []byte `json:"body"`
	Last     bool   `json:"last,omitempty"`   // it is given up if it fails
	GiveUp   string `json:"giveup,omitempty"` // it is not handled: unless it was, it is given up for this reason
	Again    bool   `json:"again,omitempty"`  // a host that had it before may have died
	Trace    string `json:"trace,omitempty"`  // the header traceparent that it was pushed with
}

// Key tells the message from all others of its actor, and from what it was before it was a dead letter.
func (m *Queued) Key() string {
	if m.Life == 0 {
		return m.ID
	}
	return m.ID + "." + strconv.Itoa(m.Life)
}

// QueuedReply is what has become of a message. Without anything, it was handled.
type QueuedReply struct {
	Dead      string      `json:"dead,omitempty"` // why it is given up
	Code      troupe.Code `json:"code,omitempty"` // of the error with which it failed
	Error     string      `json:"error,omitempty"`
	Retryable bool        `json:"retryable,omitempty"` // nothing has run
}

// Err is the error with which the message failed, or nil.
func (r *QueuedReply) Err() *troupe.Error {
	if r.Code == "" {
		return nil
	}
	return &troupe.Error{Code: r.Code, Message: r.Error, Retryable: r.Retryable}
}

// QueuedFailure is the reply for a message that has failed.
func QueuedFailure(err *troupe.Error) QueuedReply {
	return QueuedReply{Code: err.Code, Error: err.Message, Retryable: err.Retryable}
}
