package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/troupe-go/troupe/internal/link"
	"github.com/troupe-go/troupe/internal/pause"
)

// maxAnswersInFlight is how many groups may be in flight at once.
const maxAnswersInFlight = 4

// waitingBlock is a block that waits to be sent.
type waitingBlock struct {
	data []byte
	done func(Ref, error)
}

// sentBlock is a block of a group.
type sentBlock struct {
	offset uint32
	done   func(Ref, error)
}

// Append queues a block, and does not wait. The block must not change until done is called: once, with the place of
// the block or with an error, on a goroutine of the archive, which it must not block. An actor has one block under way
// at a time, so the queue is at most as long as there are actors. The error says that the archive is closed; then done
// is not called.
//
// The error of done is [ErrFull], which wraps the server's words, or [ErrOutcomeUnknown] if the block may be stored or
// not, or another one. The block may be appended again after any of them: two copies do no harm.
func (a *Archive) Append(block []byte, done func(Ref, error)) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return fmt.Errorf("appending answers: %w", errArchiveClosed)
	}
	a.queue.Push(waitingBlock{block, done})
	a.queued += len(block)
	switch {
	case !a.sendable():
	case a.idle > 0:
		a.idle--
		a.inFlight++
		a.wake <- struct{}{}
	default:
		a.inFlight++
		a.running.Go(a.sendGroups)
	}
	return nil
}

// sendable reports whether another group may be sent now. While one is in flight, only a full one may: the others gather
// more.
func (a *Archive) sendable() bool {
	switch {
	case a.closed || a.queue.Len() == 0:
		return false
	case a.inFlight == 0:
		return true
	}
	return a.inFlight < maxAnswersInFlight && a.queued >= maxAnswersBytes
}

// sendGroups sends one group after the other, until the archive is closed.
func (a *Archive) sendGroups() {
	for {
		group, blocks := a.takeGroup()
		if len(blocks) == 0 {
			select {
			case <-a.wake:
				continue
			case <-a.ctx.Done():
				return
			}
		}
		made, sequence, err := a.publish(group)
		if a.refused.Store(nil); Lasts(err) {
			a.refused.Store(&err)
		}
		for _, one := range blocks {
			if err != nil {
				one.done(Ref{}, fmt.Errorf("appending answers: %w", err))
			} else {
				one.done(Ref{made, sequence, one.offset}, nil)
			}
		}
	}
}

// takeGroup makes the next group of a sender, which counts as in flight. Without one it does not any more, and is idle.
func (a *Archive) takeGroup() (group []byte, blocks []sentBlock) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.inFlight--
	if !a.sendable() {
		a.idle++
		return nil, nil
	}
	a.inFlight++
	for a.queue.Len() > 0 {
		longer, offset, ok := appendBlock(group, a.queue.Items()[0].data)
		if !ok {
			break
		}
		one := a.queue.Pop()
		a.queued -= len(one.data)
		group, blocks = longer, append(blocks, sentBlock{offset, one.done})
	}
	return group, blocks
}

// publish stores a group, and returns which stream it is in, and the sequence of its message. It tries again while there
// is no connection or no stream.
func (a *Archive) publish(group []byte) (made int64, sequence uint64, err error) {
	ctx, cancel := context.WithTimeout(a.ctx, writeTimeout)
	defer cancel()
	for {
		made, sequence, err = a.tryPublish(ctx, group)
		again := errors.Is(err, nats.ErrReconnectBufExceeded) || errors.Is(err, jetstream.ErrNoStreamResponse)
		if !again || !pause.For(ctx, retryPause) {
			return made, sequence, err
		}
	}
}

// tryPublish makes the stream if there is none. If it is gone since, the error is [jetstream.ErrNoStreamResponse].
func (a *Archive) tryPublish(ctx context.Context, group []byte) (made int64, sequence uint64, err error) {
	stream, err := a.ensure(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("%w: %w", errNotSent, err)
	}
	ctx, wait := link.Await(ctx, a.nc, stream.subject, writeTimeout)
	reply, err := a.nc.RequestMsgWithContext(ctx, &nats.Msg{Subject: stream.subject, Data: group})
	err = wait.End(err)
	if errors.Is(err, nats.ErrNoResponders) {
		a.forget(stream)
		return 0, 0, fmt.Errorf("%w: %w", errNotSent, jetstream.ErrNoStreamResponse)
	}
	if err != nil {
		return 0, 0, appendError(a.config.Name, err)
	}
	if sequence, err = a.appended(stream, reply); err == nil {
		stream.samples.add(sequence, time.Now(), stream.CachedInfo().Config.MaxAge)
	}
	return stream.made, sequence, err
}

// appended reads the answer to a group that was sent.
func (a *Archive) appended(stream *archiveStream, reply *nats.Msg) (sequence uint64, err error) {
	if bytes.HasPrefix(reply.Data, stream.acks) {
		return parseAck(reply)
	}
	var ack struct {
		jetstream.PubAck
		Error *jetstream.APIError `json:"error"`
	}
	switch err := json.Unmarshal(reply.Data, &ack); {
	case err != nil:
		return 0, fmt.Errorf("%w: malformed acknowledgement: %w", ErrOutcomeUnknown, err)
	case ack.Error != nil:
		return 0, appendError(a.config.Name, ack.Error)
	case ack.Stream != a.config.Name:
		a.forget(stream)
		return 0, fmt.Errorf("they went to the stream %s instead of %s", ack.Stream, a.config.Name)
	}
	return parseAck(reply)
}

func appendError(stream string, err error) error {
	if apiError(err) == nil && !link.IsRefusal(err) {
		err = fmt.Errorf("%w: %w", writeError(err), err)
	}
	return explain(stream, err)
}
