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
)

// mark, in the queue of a subscription, says how far an actor had come with its events when the mark was put there, or,
// with an error, that nobody could tell.
type mark struct {
	last troupe.Position
	err  error
}

const (
	positionsTimeout = 10 * time.Second
	positionsAtOnce  = 64
	// An event is stored before it is sent, so for a moment there may be one that is merely on its way.
	onItsWay = 500 * time.Millisecond
)

var errNobodyKnows = errors.New("the last events of many actors are not known")

// watch finds out what subscriptions have missed when no later event tells: after the connection was away, and after
// events were dropped for which there was no room.
func (f *feeds) watch(connected chan nats.Status) {
	defer f.client.nc.RemoveStatusListener(connected)
	for {
		select {
		case <-f.quit:
			return
		case <-connected:
			f.suspectAll()
		case <-f.suspicion:
			f.mu.Lock()
			suspects := f.suspects
			f.suspects = nil
			f.mu.Unlock()
			f.investigate(suspects)
		}
	}
}

func (f *feeds) suspectAll() {
	f.mu.Lock()
	f.suspects = slices.Collect(maps.Values(f.bySubject))
	f.mu.Unlock()
	select {
	case f.suspicion <- struct{}{}:
	default:
	}
}

// investigate asks for the last event of each actor that is subscribed to by itself. For others nobody can be asked.
func (f *feeds) investigate(suspects []*feed) {
	ctx, cancel := context.WithTimeout(context.Background(), positionsTimeout)
	defer cancel()
	marks := make([]mark, len(suspects))
	var asking errgroup.Group
	asking.SetLimit(positionsAtOnce)
	for i, one := range suspects {
		id, ok := one.actors.One()
		if !ok {
			marks[i].err = errNobodyKnows
			continue
		}
		asking.Go(func() error {
			marks[i].last, marks[i].err = f.client.calls.Position(ctx, id, one.event)
			return nil
		})
	}
	_ = asking.Wait() // it has no errors
	timer := time.NewTimer(onItsWay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-f.quit:
		return
	}
	tell := func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		for i, one := range suspects {
			for _, s := range one.to {
				s.take(&arrival{mark: &marks[i]})
			}
		}
	}
	select {
	case f.hooks <- tell:
	case <-f.quit:
	}
}

// missed tells of the events of a subject, up to a mark, that have not arrived before it.
func (s *subscription) missed(subject string, m mark) {
	actor, _ := s.listening.Actors.One()
	gap := troupe.Gap{Actor: actor, Event: s.listening.Event}
	heard, known := s.order.Heard(subject)
	if m.err != nil || m.last.IsZero() && known { // the actor may have been another one for a while
		gap.After = heard
		s.tell(gap)
		return
	}
	if after, skipped := s.order.Skip(subject, m.last); skipped {
		gap.After, gap.Before = after, troupe.Position{Epoch: m.last.Epoch, Sequence: m.last.Sequence + 1}
		s.tell(gap)
	}
}
