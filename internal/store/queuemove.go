package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/wire"
)

// A message that has to wait is moved: first it stands where it waits, under its ID, then it leaves where it was. So a host that
// dies in between leaves two of them, and who gets the first one again looks for the other.

// Later has a message come again at a time. If it waits already, nothing changes.
func (q *Queues) Later(ctx context.Context, m *Message, at time.Time) error {
	_, err := q.later(ctx, m, at)
	return err
}

// later is Later. It returns when the message comes.
func (q *Queues) later(ctx context.Context, m *Message, at time.Time) (time.Time, error) {
	msg := &nats.Msg{Subject: q.ns.Later(m.Actor, m.Queue, m.ID), Header: q.laterHeader(m, at), Data: m.Data}
	stream := q.streams.Load().later
	_, err := stream.write(ctx, msg, 0, 0)
	if !errors.Is(err, ErrConflict) {
		return at, err
	}
	// A server that was away, and does not know yet that another leads the stream, may speak of one that has come since. None comes
	// before its time, so one whose time is to come waits, whoever says so.
	stands, failed := stream.newest(ctx, msg.Subject)
	if failed != nil || stands == nil {
		return at, errors.Join(err, failed)
	}
	other := Message{Header: stands.Header}
	if until := other.NotBefore(); until.After(q.Now()) {
		return until, nil
	}
	return at, err
}

// laterHeader has a message come again at a time.
func (q *Queues) laterHeader(m *Message, at time.Time) nats.Header {
	header := movable(m.Header)
	header[wire.HeaderNotBefore] = []string{at.UTC().Format(rfc3339Milli)}
	if q.settings.Clock != nil {
		at = at.Add(q.clock.serverTime().Sub(q.clock.Now()))
	}
	header[wire.HeaderSchedule] = []string{wire.ScheduleAt(at)}
	header[wire.HeaderScheduleTarget] = []string{q.ns.Ripe(m.Actor, m.Queue, m.ID)}
	return header
}

// Bury makes a message a dead letter, unless it is one already.
func (q *Queues) Bury(ctx context.Context, m *Message) error {
	dead := q.streams.Load().dead
	msg := &nats.Msg{Subject: q.ns.Dead(m.Actor, m.Queue, m.ID), Header: movable(m.Header), Data: m.Data}
	_, err := dead.write(ctx, msg, 0, 0)
	if !errors.Is(err, ErrConflict) {
		return err
	}
	last, failed := dead.newest(ctx, msg.Subject)
	switch {
	case failed != nil || last == nil:
		return errors.Join(err, failed) // to be tried again
	case m.isOf(last):
		return nil
	}
	_, err = dead.write(ctx, msg, last.Sequence, 0) // an earlier one whose sender has given it the same name
	return err
}

// movable are the headers of a message that go with it: those of ours and of the body, none that JetStream acts on.
func movable(header nats.Header) nats.Header {
	moved := make(nats.Header, len(header)+2)
	maps.Copy(moved, header)
	maps.DeleteFunc(moved, func(name string, _ []string) bool { return strings.HasPrefix(name, "Nats-") })
	return moved
}

// Moved reports whether a message was moved: it waits, it has waited, or it was given up. If it has waited itself, ripe is its sequence:
// what a server knows that was away may be where it waited before.
func (q *Queues) Moved(ctx context.Context, m *Message, ripe uint64) (bool, error) {
	s := q.streams.Load()
	places := []struct {
		stream  *bucket
		subject string
	}{
		{s.later, q.ns.Later(m.Actor, m.Queue, m.ID)}, // in this order: it may become ripe, and then be given up, meanwhile
		{s.later, q.ns.Ripe(m.Actor, m.Queue, m.ID)},
		{s.dead, q.ns.Dead(m.Actor, m.Queue, m.ID)},
	}
	for i, place := range places {
		if ripe > 0 && i == 1 {
			continue
		}
		switch msg, err := place.stream.newest(ctx, place.subject); {
		case err != nil:
			return false, fmt.Errorf("looking for the message %s in %s of %s: %w", m.ID, m.Queue, m.Actor, err)
		case msg != nil && m.isOf(msg) && (place.stream != s.later || msg.Sequence > ripe):
			return true, nil
		}
	}
	return false, nil
}

// isOf reports whether a message that was moved is this one, and not another with the same name.
func (m *Message) isOf(moved *jetstream.RawStreamMsg) bool {
	other := Message{Stored: moved.Time, Header: moved.Header}
	return other.Pushed().UnixMilli() == m.Pushed().UnixMilli() && other.Life() == m.Life()
}

// Stands reports whether a message is still in its stream, which it leaves when it is acked.
func (q *Queues) Stands(ctx context.Context, sequence uint64, ripe bool) (bool, error) {
	s := q.streams.Load()
	stream := s.queue
	if ripe {
		stream = s.later
	}
	ctx, wait := stream.reading(ctx, askGet)
	_, err := stream.stream.GetMsg(ctx, sequence)
	err = wait.End(err)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return false, nil
	}
	return err == nil, explain(stream.name(), err)
}

// Push stores a message that an actor has pushed. If the queue is full, it waits.
func (q *Queues) Push(ctx context.Context, p *record.PushedMessage) error {
	open := q.Open
	if p.InOrder {
		open = q.OpenInOrder
	}
	if err := open(ctx); err != nil {
		return err
	}
	id, err := troupe.ParseID(p.Actor)
	if err != nil {
		return err
	}
	request := troupe.PushRequest{ID: id, Queue: p.Queue, InOrder: p.InOrder, Existing: p.Existing}
	if p.At > 0 {
		request.NotBefore = time.UnixMilli(p.At)
	}
	msg := PushMessage(q.ns, &request, codec.MsgPack.ContentType(), p.Body)
	msg.Header[wire.HeaderPushID] = []string{p.Name}
	if p.Trace != "" {
		msg.Header[troupe.HeaderTraceParent] = []string{p.Trace}
	}
	stream := q.streams.Load().queue
	if p.InOrder {
		stream = q.inOrder.Load()
	}
	err = Push(ctx, stream.js, msg)
	if errors.Is(err, ErrQueueFull) {
		full := &Message{
			Actor: id, Queue: p.Queue, ID: wire.NamedMessage(p.Name), Stored: q.Now(), Header: msg.Header, Data: msg.Data,
		}
		if p.InOrder {
			full.Header[wire.HeaderInOrder] = []string{"1"}
		}
		at := q.Now().Add(time.Second)
		if request.NotBefore.After(at) {
			at = request.NotBefore
		}
		return q.Later(ctx, full.With(0, 0, ""), at)
	}
	if errors.Is(err, jetstream.ErrNoStreamResponse) {
		stream.suspect()
	}
	return err
}
