package gateway

import (
	"context"
	"errors"

	"github.com/troupe-go/troupe"
)

// subscribe makes a subscription, and finds out where it begins.
func (s *stream) subscribe(name string, from places) error {
	ctx, cancel := context.WithTimeout(s.ctx, makeTime)
	defer cancel()
	actor := troupe.Actor(s.user.client, s.actor.Type(), s.actor.Key()...)
	sub, err := actor.Subscribe(ctx, name, s.inbox.hear(name), troupe.OnGap(s.inbox.miss(name)))
	if err != nil {
		return err
	}
	s.subs = append(s.subs, sub)
	c := &cursor{name: name}
	s.cursors = append(s.cursors, c)
	last, err := lastEvent(ctx, s.user.client, s.actor, name)
	if errors.Is(err, troupe.ErrUnknownType) {
		return err
	}
	c.last, c.knows = last, err == nil
	if c.at, c.resumes = from[name]; !c.resumes && c.knows {
		c.at = last
	}
	if c.resumes || c.knows {
		s.at[name] = c.at
	}
	return nil
}

func (s *stream) unsubscribe() {
	for _, sub := range s.subs {
		_ = sub.Unsubscribe() // never fails
	}
}
