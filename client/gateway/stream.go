package gateway

import (
	"context"
	"errors"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/pause"
	"github.com/troupe-go/troupe/internal/wire"
)

// stream tells one listener of the events of an actor. Only its own goroutine uses it, but for the inbox.
type stream struct {
	sse

	ctx     context.Context //nolint:containedctx // of the request
	user    *user
	actor   troupe.ID
	inbox   *inbox
	subs    []troupe.Subscription
	cursors []*cursor
	at      places // the id of what is written
	closing <-chan struct{}
}

// cursor is how far a stream has come with the events of one name.
type cursor struct {
	name    string
	at      troupe.Position // of the last event that was told; of a stream that begins, of the last one before it
	resumes bool            // it goes on after at: what comes before that was told already
	told    bool            // an event was
	knows   bool            // last is known
	last    troupe.Position // the actor's last event when it was asked
	doubt   time.Time       // until then, the events up to last may be on their way; zero: nothing is in doubt
	unkept  bool            // the log has none of them, or must not be read
}

// known reports whether at says anything.
func (c *cursor) known() bool { return c.resumes || c.told || c.knows }

const (
	// beatTime is how long nothing may be written.
	beatTime = 15 * time.Second
	// makeTime bounds the making of a subscription, and the question for the last event.
	makeTime = 5 * time.Second
)

var errLetInNoMore = unauthenticated("NATS does not let the user in any more")

// onItsWay is how long an event may be on its way that is stored.
const onItsWay = time.Second

func (s *stream) run() {
	for _, c := range s.cursors {
		s.resume(c)
	}
	s.place(s.at.String())
	beat := time.NewTicker(beatTime)
	defer beat.Stop()
	for {
		all, full := s.inbox.take()
		for i := range all {
			if s.handle(&all[i]); s.full() && s.flush() != nil {
				return
			}
		}
		if full {
			s.end(errs.Overloaded("events come faster than they are taken"))
			return
		}
		next := s.settleDoubts()
		if s.flush() != nil {
			return
		}
		select {
		case <-s.inbox.wake:
		case <-next:
		case <-beat.C:
			s.beat()
			if s.user.refused() {
				s.end(errLetInNoMore)
				return
			}
		case <-s.subs[0].Done(): // they end together, with the connection
			s.end(s.subs[0].Err())
			return
		case <-s.closing:
			s.end(errClosing)
			return
		case <-s.ctx.Done():
			return
		}
	}
}

// end tells why the stream ends. The listener may come again, and go on where it was.
func (s *stream) end(why error) {
	s.value(endEvent, "", bodyOf(why))
	_ = s.flush() // to a listener that may be gone
}

// resume tells of what was broadcast since a listener was here, as far as it is kept.
func (s *stream) resume(c *cursor) {
	switch {
	case !c.resumes || c.knows && c.last == c.at:
		return
	case c.knows && c.last.Before(c.at): // the records were lost, or put back: there is no such event
		after := c.at
		s.moveTo(c, c.last)
		s.tellGap(c, after, troupe.Position{})
		return
	}
	if s.replay(c); c.knows {
		s.doubt(c, c.last, onItsWay)
	} else if !c.told {
		s.tellGap(c, c.at, troupe.Position{}) // perhaps
	}
}

// handle tells of an event that has come, and of those that are missing before it.
func (s *stream) handle(a *arrival) {
	c := s.cursor(a.name)
	switch {
	case a.gap != nil && a.gap.Before.IsZero():
		if s.replay(c); c.unkept {
			s.tellGap(c, c.at, troupe.Position{})
		}
	case a.gap != nil:
		s.doubt(c, troupe.Position{Epoch: a.gap.Before.Epoch, Sequence: a.gap.Before.Sequence - 1}, 0)
	case a.position.IsZero(): // not from a host
		s.write(c, a)
	case !c.at.Before(a.position) && (c.resumes || c.told):
		// It was told already.
	default:
		if c.known() && c.at.Before(a.position) && !follows(c.at, a.position) {
			if s.replay(c); !c.at.Before(a.position) {
				return
			}
			if !follows(c.at, a.position) {
				s.tellGap(c, c.at, a.position)
			}
		}
		s.moveTo(c, a.position)
		s.write(c, a)
	}
}

// follows reports whether an event is the next one, as far as its position tells: not whether the actor was another one meanwhile.
func follows(last, next troupe.Position) bool { return next.Sequence == last.Sequence+1 }

// replayFor is how long the log is asked while JetStream does not answer, as after a lost connection.
const replayFor = 10 * time.Second

// replay tells of the kept events after the cursor.
func (s *stream) replay(c *cursor) {
	if c.unkept || !c.known() {
		return
	}
	found := false
	for began, wait := time.Now(), 10*time.Millisecond; ; wait = min(2*wait, time.Second) {
		some, err := s.replayOnce(c)
		found = found || some
		if !errors.Is(err, troupe.ErrUnavailable) || time.Since(began) > replayFor || !pause.For(s.ctx, wait) {
			break
		}
	}
	c.unkept = !found
}

// replayOnce reports whether it has found an event in the log, be it one that was told.
func (s *stream) replayOnce(c *cursor) (found bool, err error) {
	for kept, err := range s.user.client.Replay(s.ctx, s.actor, c.name, troupe.FromPosition(c.at)) {
		if err != nil {
			return found, err
		}
		found = true
		if kept.Position.IsZero() || !c.at.Before(kept.Position) {
			continue
		}
		if !follows(c.at, kept.Position) {
			s.tellGap(c, c.at, kept.Position)
		}
		a := arrivalOf(c.name, kept.Delivery)
		s.moveTo(c, kept.Position)
		s.write(c, &a)
		if s.full() {
			if err := s.flush(); err != nil {
				return found, err
			}
		}
	}
	return found, nil
}

// doubt has the events up to last be missing, unless they come in time.
func (s *stream) doubt(c *cursor, last troupe.Position, wait time.Duration) {
	if c.at.Before(last) {
		c.last, c.doubt = last, time.Now().Add(wait)
	}
}

// settleDoubts tells of what has not come in time. It returns when it is to be called again.
func (s *stream) settleDoubts() (next <-chan time.Time) {
	var soonest time.Duration
	for _, c := range s.cursors {
		left := time.Until(c.doubt)
		switch {
		case c.doubt.IsZero():
			continue
		case !c.at.Before(c.last):
			c.doubt = time.Time{}
			continue
		case left <= 0:
			c.doubt = time.Time{}
			if s.replay(c); c.at.Before(c.last) {
				after := c.at
				s.moveTo(c, c.last)
				s.tellGap(c, after, troupe.Position{Epoch: c.last.Epoch, Sequence: c.last.Sequence + 1})
			}
			continue
		}
		if soonest == 0 || left < soonest {
			soonest = left
		}
	}
	if soonest == 0 {
		return nil
	}
	return time.After(soonest)
}

func (s *stream) cursor(name string) *cursor {
	for _, c := range s.cursors {
		if c.name == name {
			return c
		}
	}
	return nil // they are those of the subscriptions
}

func (s *stream) moveTo(c *cursor, at troupe.Position) {
	c.at, c.told = at, true
	s.at[c.name] = at
}

// write writes an event.
func (s *stream) write(c *cursor, a *arrival) {
	id := s.at.String()
	if a.damage != "" {
		s.value(errorEvent, id, errorOfEvent{c.name, a.damage})
		return
	}
	s.event(c.name, id, a.data)
}

// tellGap tells of events between two others. A zero position is not known.
func (s *stream) tellGap(c *cursor, after, before troupe.Position) {
	s.gap(s.at.String(), troupe.Gap{Actor: s.actor, Event: c.name, After: after, Before: before})
}

// lastEvent asks an actor for its last event of a name. It does not wake the actor.
func lastEvent(ctx context.Context, c *client.Client, id troupe.ID, name string) (troupe.Position, error) {
	var last wire.Position
	err := c.Invoke(ctx, troupe.Invocation{ID: id, Action: wire.PositionAction, In: name, Out: &last})
	return troupe.Position(last), err
}
