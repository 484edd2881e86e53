package troupe

import (
	"context"
	"iter"
	"time"
)

// Queue is a named queue of messages to the actors that R refers to, each an M. Nobody waits for an answer. A contract declares
// it as a package variable, and actorhost.OnQueue handles what comes. Its name is not that of an action.
type Queue[R Reference, M any] struct {
	name    string
	inOrder bool
}

// NewQueue declares a queue by its name on the wire.
func NewQueue[R Reference, M any](name string) Queue[R, M] { return Queue[R, M]{name: name} }

// NewQueueInOrder declares a queue whose messages are handled one after the other, in the order in which they were stored: of a
// program, or of an actor, that in which it pushes them. One that fails, or is not to be handled yet, holds up those behind it until it is
// handled or a dead letter. Such queues are for what must be in order: others handle more messages in the same time. Have a queue run
// empty before you change which kind it is.
func NewQueueInOrder[R Reference, M any](name string) Queue[R, M] {
	return Queue[R, M]{name: name, inOrder: true}
}

// Name is the queue's name on the wire.
func (q Queue[R, M]) Name() string { return q.name }

// InOrder reports whether the queue was declared by [NewQueueInOrder].
func (q Queue[R, M]) InOrder() bool { return q.inOrder }

// Push puts a message into the queue of the actor that ref refers to, which it wakes, and creates unless ref is by [Get].
//
// In a program the message is stored when Push returns. The error is [ErrOverloaded] at once if the queue is full: 10,000
// messages, unless its hosts are configured otherwise. In an actor, with the Context of a turn as ctx, the message is a part of
// the turn: stored with its state, and undone with its failure; if the queue is full, it waits.
//
// A message is handled as a turn, in the state exactly once, whatever dies in between, and in no certain order unless the queue
// is in order. [QueuedOf] tells the handler which one it has.
// If the handler fails with an error of its own, made by [NewError], the message becomes a dead
// letter. Otherwise it is tried again, first after a second, then after times that double up to 5 minutes, and becomes a dead
// letter after 20 attempts: actorhost.Retries sets that. Dead letters are kept for 30 days.
func (q Queue[R, M]) Push(ctx context.Context, ref R, message M, options ...PushOption) error {
	base := ref.embedTroupeRef().in(ctx)
	if err := base.ready(ref.ActorType(), q.name); err != nil {
		return err
	}
	p := PushRequest{ID: base.id, Queue: q.name, InOrder: q.inOrder, Existing: base.existing, Message: message}
	for _, option := range options {
		option(&p)
	}
	if turn, ok := ctx.Value(CallerKey{}).(Caller); ok { // it leaves with that
		return turn.Push(ctx, p)
	}
	return base.caller.Push(ctx, p)
}

// PushOption is an option of one message.
type PushOption func(*PushRequest)

// PushID gives the message an id of up to 256 bytes, in one line without white space at its ends. Of messages to one queue of one actor
// with the same id, within 15 minutes unless its hosts are configured otherwise, one takes effect.
func PushID(id string) PushOption { return func(p *PushRequest) { p.PushID = id } }

// NotBefore has the message handled at a time, or up to a second later.
func NotBefore(t time.Time) PushOption { return func(p *PushRequest) { p.NotBefore = t } }

// QueuedKey is the key under which the context of a turn that handles a message has its [Queued].
type QueuedKey struct{}

// QueuedOf returns which message the turn with this context handles. It is not ok for others.
func QueuedOf(ctx context.Context) (q Queued, ok bool) {
	q, ok = ctx.Value(QueuedKey{}).(Queued)
	return q, ok
}

// DeadLetter is a message that was given up.
type DeadLetter[M any] struct {
	Queued  // with the last attempt
	Message M
	Died    time.Time
	Error   string // why
}

// Dead yields the dead letters of the actor that ref refers to, in the order in which they were given up, up to the last one at
// the time of the call. An error ends it. It reads the stream itself, without a host.
func (q Queue[R, M]) Dead(ctx context.Context, ref R) iter.Seq2[DeadLetter[M], error] {
	return func(yield func(DeadLetter[M], error) bool) {
		base := ref.embedTroupeRef().in(ctx)
		if err := base.ready(ref.ActorType(), q.name); err != nil {
			yield(DeadLetter[M]{}, err)
			return
		}
		for d, err := range base.caller.DeadMessages(ctx, base.id, q.name) {
			letter := DeadLetter[M]{Queued: d.Queued, Died: d.Died, Error: d.Error}
			if err == nil {
				err = d.Decode(&letter.Message)
			}
			if !yield(letter, err) || err != nil {
				return
			}
		}
	}
}

// Retry has the dead letter with this id handled again, as if it were new: at the end of its queue, if that is in order. It reports
// whether there is one.
func (q Queue[R, M]) Retry(ctx context.Context, ref R, id string) (found bool, err error) {
	return q.bury(ctx, ref, DeadRequest{Queue: q.name, ID: id, Retry: true})
}

// Drop deletes the dead letter with this id. It reports whether there was one.
func (q Queue[R, M]) Drop(ctx context.Context, ref R, id string) (found bool, err error) {
	return q.bury(ctx, ref, DeadRequest{Queue: q.name, ID: id})
}

// Skip makes the next message of a queue that is in order a dead letter, for which the others wait, if it is the one with this id. It
// reports whether it is a dead letter now. What comes next is handled at once; if that fails, it is tried again when the skipped one would
// have been, or later.
func (q Queue[R, M]) Skip(ctx context.Context, ref R, id string) (found bool, err error) {
	return q.bury(ctx, ref, DeadRequest{Queue: q.name, ID: id, Skip: true})
}

func (q Queue[R, M]) bury(ctx context.Context, ref R, r DeadRequest) (found bool, err error) {
	err = ref.embedTroupeRef().existingOnly().invoke(ctx, ref.ActorType(), DeadAction, r, &found)
	return found, err
}

// DeadAction is the action of every actor type that has a dead letter handled again, or deletes it. The input is a
// [DeadRequest], the output says whether there was one. It does not wake the actor, unless
// it is to skip a message.
const DeadAction = "_dead"

// DeadRequest is the input of [DeadAction].
type DeadRequest struct {
	Queue string `json:"queue"`
	ID    string `json:"id"`
	Retry bool   `json:"retry,omitempty"` // else it is deleted
	Skip  bool   `json:"skip,omitempty"`  // it is none yet: it is the next message of a queue that is in order, and becomes one
}
