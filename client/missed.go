package client

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/bus"
)

const (
	positionTimeout = 2 * time.Second
	positionsAtOnce = 64
	// An event is stored before it is sent, so for a moment there may be one that is merely on its way.
	onItsWay = 500 * time.Millisecond
)

// Position is the position of the last event of a name that an actor has broadcast, zero if there is none. It does not
// wake the actor. Its errors are those of a call.
func (c *Client) Position(ctx context.Context, id troupe.ID, event string) (p troupe.Position, err error) {
	err = c.Invoke(ctx, troupe.Invocation{ID: id, Action: bus.PositionAction, In: event, Out: &p})
	return p, err
}

// watch finds out which events subscriptions have missed when no later event tells: after the connection was away, and
// after events were dropped.
func (c *Client) watch() {
	connected := c.nc.StatusChanged(nats.CONNECTED)
	defer c.nc.RemoveStatusListener(connected)
	for {
		select {
		case <-c.quit:
			return
		case <-connected:
			c.mu.Lock()
			c.suspects = slices.Collect(maps.Keys(c.subscriptions))
			c.mu.Unlock()
		case <-c.suspicion:
		}
		c.mu.Lock()
		suspects := c.suspects
		c.suspects = nil
		c.mu.Unlock()
		c.investigate(suspects)
	}
}

func (c *Client) suspect(all ...*subscription) {
	c.mu.Lock()
	c.suspects = append(c.suspects, all...)
	c.mu.Unlock()
	select {
	case c.suspicion <- struct{}{}:
	default:
	}
}

// investigate asks for the last event of each actor that is subscribed to by itself. For others nobody can be asked.
func (c *Client) investigate(suspects []*subscription) {
	last := make([]troupe.Position, len(suspects))
	failed := make([]error, len(suspects))
	var asking errgroup.Group
	asking.SetLimit(positionsAtOnce)
	for i, s := range suspects {
		asking.Go(func() error {
			id, ok := s.listening.Actors.One()
			if !ok {
				failed[i] = errors.New("nobody knows")
				return nil
			}
			ctx, cancel := context.WithTimeout(context.Background(), positionTimeout)
			defer cancel()
			last[i], failed[i] = c.Position(ctx, id, s.listening.Event)
			return nil
		})
	}
	_ = asking.Wait() // it has no errors
	timer := time.NewTimer(onItsWay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.quit:
		return
	}
	for i, s := range suspects {
		s.missed(s.sub.Subject, last[i], failed[i])
	}
}

// missed tells of the events of a subject, up to last, that have not arrived; with an error last is not known.
func (s *subscription) missed(subject string, last troupe.Position, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		return
	}
	actor, one := s.listening.Actors.One()
	gap := troupe.Gap{Actor: actor, Event: s.listening.Event}
	if err != nil {
		if one {
			gap.After, _ = s.order.Heard(subject)
		}
		s.tell(gap)
		return
	}
	after, skipped := s.order.Skip(subject, last)
	if skipped {
		gap.After, gap.Before = after, troupe.Position{Epoch: last.Epoch, Sequence: last.Sequence + 1}
		s.tell(gap)
	}
}
