package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/troupe-go/troupe"
)

// Unsent is a mark: an actor that is awake on a host may have durable events in its record that are not in the log. If
// the host dies, somebody must wake the actor. Marks are in the bucket of the subscriptions, under keys that no
// subscription has. The mark of a host is made before that of any of its actors.
type Unsent struct {
	Host string
	ID   troupe.ID // zero in the mark of the host
	entry
}

const unsentPrefix = "_unsent."

// MarkUnsent makes the mark of an actor, or, with the zero ID, of a host.
func (s *Subscriptions) MarkUnsent(ctx context.Context, host string, id troupe.ID) (Unsent, error) {
	key := unsentPrefix + host
	if !id.IsZero() {
		key += "." + id.Tokens()
	}
	made, err := s.putEmpty(ctx, key)
	if err != nil {
		return Unsent{}, fmt.Errorf("marking %s as having unsent events: %w", id, err)
	}
	return Unsent{host, id, made}, nil
}

// UnsentHosts returns the mark of a host, if it has one, or those of all hosts, which are "*".
func (s *Subscriptions) UnsentHosts(ctx context.Context, host string) ([]Unsent, error) {
	return s.unsent(ctx, host)
}

// MayBeUnsent returns the ids of the hosts with a mark, and perhaps of some that had one lately. However many there are, it
// takes one message each way.
func (s *Subscriptions) MayBeUnsent(ctx context.Context) ([]string, error) {
	filter := s.bucket.prefix + unsentPrefix
	marks, err := s.bucket.subjects(ctx, filter+"*")
	if err != nil {
		return nil, fmt.Errorf("reading the marks of unsent events: %w", err)
	}
	hosts := make([]string, 0, len(marks))
	for subject := range marks {
		hosts = append(hosts, strings.TrimPrefix(subject, filter))
	}
	return hosts, nil
}

// UnsentOf returns the marks of the actors on a host.
func (s *Subscriptions) UnsentOf(ctx context.Context, host string) ([]Unsent, error) {
	return s.unsent(ctx, host+".>")
}

func (s *Subscriptions) unsent(ctx context.Context, filter string) (marks []Unsent, err error) {
	found, err := s.bucket.find(ctx, unsentPrefix+filter)
	if err != nil {
		return nil, fmt.Errorf("reading the marks of unsent events: %w", err)
	}
	for _, one := range found {
		host, tokens, ofActor := strings.Cut(strings.TrimPrefix(one.key, unsentPrefix), ".")
		mark := Unsent{Host: host, entry: one}
		if ofActor {
			if mark.ID, err = troupe.ParseID(tokens); err != nil {
				continue // not one of our marks
			}
		}
		marks = append(marks, mark)
	}
	return marks, nil
}

// Unmark removes a mark, unless it was made again since.
func (s *Subscriptions) Unmark(ctx context.Context, mark Unsent) error {
	return s.remove(ctx, mark.entry)
}
