// Package commit stores what the turns of an actor change, and holds back what they want to send until it is stored (the
// output gate of Cloudflare's Durable Objects).
//
// The lock of a [Gate] is the last that anybody takes: a Gate calls nobody while it holds it, and waits for no server.
package commit

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/call"
	"github.com/troupe-go/troupe/actorhost/internal/figures"
	"github.com/troupe-go/troupe/internal/faultlog"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// Host is what the gates of a host share.
type Host struct {
	Store Store
	Log   *store.EventLog
	// Archive has the answers that the records have no room for.
	Archive *store.Archive
	Alarms  *store.Alarms
	Queues  *store.Queues
	Tables  *Tables
	Logger  *slog.Logger
	Faults  *faultlog.Log
	Window  time.Duration   // in which answers to calls with a request id are remembered at least
	Ctx     context.Context //nolint:containedctx // is done when the host gives its actions up
	Go      func(func())    // runs a goroutine of the host
	Now     func() time.Duration
	Stored  *figures.Histogram // of how long outputs were held back
	Refused *atomic.Int64      // counts writes that were refused because another host had written
}

// Store keeps records: see [store.Records].
type Store interface {
	Get(ctx context.Context, id troupe.ID) (record.Record, error)
	Put(ctx context.Context, id troupe.ID, r record.Record) (revision uint64, err error)
	Delete(ctx context.Context, id troupe.ID, last record.Record) error
	Items(ctx context.Context, id troupe.ID, keys ...record.ItemKey) ([]store.StoredItem, error)
	WriteItem(id troupe.ID, item record.SentItem, done func(store.Outcome)) error
}

// Actor is what a Gate needs of the activation whose changes it stores.
type Actor interface { //nolint:interfacebloat // an activation has one gate, and that has to do with all of it
	ID() troupe.ID
	Epoch() uint64 // of the activation

	// Host is the id under which the host owns the actor; Valid, whether it certainly has the lease for that, and NoLease why
	// not.
	Host() string
	Valid() bool
	NoLease() error
	// Lasts reports whether the lease is not over yet. While the host is disconnected, it is not certain of that.
	Lasts() bool
	// Write has a record stored soon, in the journal of the host if it may be there alone.
	Write(w store.Write, journal bool) error
	// Owns reports whether the host is still the one under this id: if not, whoever takes over recovers its journal.
	Owns() bool

	// Unchanged is what the record has for the state of a turn that has not changed it.
	Unchanged() []byte
	// End ends the activation: its Gate is closed.
	End()

	// Grown is told how many bytes more are stored of the actor than before, or less.
	Grown(bytes int64)

	// Busy reports whether more is about to be sent.
	Busy() bool
	Publish(e *Event)
	// Reply and Refuse take values, so that an Output need not be on the heap.
	Reply(msg wire.Message, more bool)
	Refuse(c call.Call, err *troupe.Error)
}

// Event is an event that a turn has broadcast, or sends to one connection.
type Event struct {
	record.Broadcast
	Carried wire.Header // what travels with it
	Subject string      // of the connection that it is for alone: then the record knows nothing of it
}

// Output is what one turn wants to send.
type Output struct {
	Events []*Event
	Pushes []*record.PushMessage
	Told   []func()      // send what others are told
	Call   call.Call     // that it answers, if there is a Reply
	Reply  wire.Message  // without a subject nobody waits for it
	Called bool          // the turn has made calls
	Ended  time.Duration // of the turn, on the host's clock; 0 if there was none
	// Done, if there is one, is told once: nil when what the output tells of is stored, or why it is not. It must not wait.
	Done func(error)

	changes bool // there is something to store
}

func (o *Output) isDurable() bool {
	if len(o.Pushes) > 0 {
		return true
	}
	for _, e := range o.Events {
		if e.Durable {
			return true
		}
	}
	return false
}

// Changes are what one turn wants to have stored.
type Changes struct {
	State  []byte          // nil when the turn has left it as it was
	Parts  []record.Change // of what the record has besides
	Shared bool            // others look for it in the record: it must not be in the journal alone
}

// Any reports whether there is something to store.
func (c *Changes) Any() bool { return c.State != nil || len(c.Parts) > 0 }

// What may fail for long.
const (
	storing    = "storing the state failed"
	keeping    = "keeping an event or a message failed"
	destroying = "destroying the actor failed"
	archiving  = "archiving answers failed: they are sent again"
	alarming   = "setting the alarm of an actor failed: what it has scheduled is not stored"
	spreading  = "storing an item of an actor failed: it stays in the record"
	flushing   = "writing the record failed: it is tried again"
)

// Errors for which a Gate is closed, besides those of the store.
var (
	errNoState = errors.New("there is no state to write")
	errEnding  = errors.New("it was being destroyed")
)

const (
	// resolveTimeout bounds how long it is tried to find out whether a write has been stored, and destroyTimeout the write
	// that destroys an actor. Neither depends on the caller's time.
	resolveTimeout, destroyTimeout = 10 * time.Second, 10 * time.Second
	// resolveAgain and flushAgain are the pauses between tries, flushFullAgain that while there is no room.
	resolveAgain, flushAgain, flushFullAgain = 20 * time.Millisecond, 50 * time.Millisecond, time.Second
	// keepTimeout bounds how long it is tried to get an event or a message into its stream before the activation is given up,
	// and keepAgain is the pause between tries.
	keepTimeout, keepAgain = 30 * time.Second, 20 * time.Millisecond
	// itemsTimeout bounds the look for what has become of the messages of items, itemsAgain is the pause before they are sent again.
	itemsTimeout, itemsAgain = 5 * time.Second, time.Second
	// maxOutputs is how many outputs may be held back before the next turn waits.
	maxOutputs = 1024
)
