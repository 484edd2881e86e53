package look

import (
	"context"
	"errors"
	"fmt"

	"github.com/troupe-go/troupe/internal/wire"
)

// Contracts asks for the contracts of all types that hosts serve, each the host that has started last: the others are perhaps about to
// be replaced. It leaves out the types whose hosts do not reply.
func (l *Looker) Contracts(ctx context.Context) ([]*wire.Contract, error) {
	hosts, err := l.Up(ctx)
	if err != nil {
		return nil, err
	}
	type answer struct {
		of    string
		found *wire.Contract
		err   error
	}
	var answers []answer
	for _, name := range TypesOf(hosts) {
		answers = append(answers, answer{of: name})
	}
	Each(answers, func(a *answer) { a.found, a.err = l.Contract(ctx, hosts, a.of) })
	var all []*wire.Contract
	for i := range answers {
		switch err := answers[i].err; {
		case err == nil:
			all = append(all, answers[i].found)
		case !errors.Is(err, ErrSilent):
			return nil, err
		}
	}
	return all, ctx.Err()
}

// Contract asks the host of a type that has started last for the contract. It is nil if no host serves the type.
func (l *Looker) Contract(ctx context.Context, hosts []Host, actorType string) (*wire.Contract, error) {
	var newest *Host
	for i := range hosts {
		if h := &hosts[i]; h.MayRun(actorType) && (newest == nil || h.Started.After(newest.Started)) {
			newest = h
		}
	}
	if newest == nil {
		return nil, nil
	}
	found := new(wire.Contract)
	if err := l.Ask(ctx, l.namespace.Contract(newest.ID, actorType), nil, found); err != nil {
		return nil, fmt.Errorf("asking the host %s: %w", newest.ID, err)
	}
	return found, nil
}
