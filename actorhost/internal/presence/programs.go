package presence

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/pause"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// Programs finds out what the programs of other hosts can do that this one cannot: during a deployment there are two.
// Hosts of one program are alike, so it asks one of them, once.
type Programs struct {
	config  *Config
	reading sync.Mutex // held while the leases are read: any caller can have that done, so it is done once at a time

	mu      sync.Mutex // locked after reading
	next    *listing   // that has not begun
	latest  []store.HostEntry
	listed  time.Time // when the reading of latest began
	answers map[programType]answer
}

// answer is what a host has said of an actor type, and when a host with its program was last found up.
type answer struct {
	wire.TypeInfo
	seen time.Time
}

// A program that was up until goneFor ago may be so again: its hosts restart, or have lost their leases for a moment.
const goneFor = 10 * time.Second

// programType is an actor type as one program has it.
type programType struct{ program, actorType string }

// listing is one reading of all leases.
type listing struct {
	done  chan struct{}
	hosts []store.HostEntry
	err   error
}

// freshFor is how long leases are not read again. A host with a program of its own takes calls only when that time has passed
// since it took its lease: who has heard of it finds it.
const freshFor = 100 * time.Millisecond

// Having returns a host with another program that has what a call of an actor type needs, one of those if there are
// several, and "" if there is none. Programs in lacked are known not to have it. A host is asked by takes whether it can take the
// call, which fails with troupe.CodeBadInput if it cannot. Any other error says that it cannot be told now.
func (p *Programs) Having(
	ctx context.Context, actorType string, lacked []string,
	has func(wire.TypeInfo) bool, takes func(ctx context.Context, host string) error,
) (string, error) {
	hosts, err := p.hosts(ctx)
	if err != nil {
		return "", fmt.Errorf("looking for hosts of another program: %w", err)
	}
	rand.Shuffle(len(hosts), func(i, j int) { hosts[i], hosts[j] = hosts[j], hosts[i] })
	for _, host := range hosts {
		if host.Program == p.config.Program || host.Program == "" || !host.MayRun(actorType) || slices.Contains(lacked, host.Program) {
			continue
		}
		info, askErr := p.ask(ctx, programType{host.Program, actorType}, host.ID)
		hasIt := askErr == nil && has(info)
		if hasIt {
			askErr = takes(ctx, host.ID)
		}
		switch gone := errors.Is(askErr, nats.ErrNoResponders) && p.config.Leases.OnOneServer(); {
		case gone:
		case askErr != nil && !errors.Is(askErr, troupe.ErrBadInput):
			err = fmt.Errorf("asking the host %s of another program: %w", host.ID, askErr)
		case hasIt && askErr == nil:
			return host.ID, nil
		default:
			lacked = append(slices.Clip(lacked), host.Program)
		}
	}
	if err == nil {
		err = p.hadLately(actorType, lacked, has)
	}
	return "", err
}

// hadLately returns an error if a program that was up until just now has what a call needs.
func (p *Programs) hadLately(actorType string, lacked []string, has func(wire.TypeInfo) bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for of, said := range p.answers {
		if of.actorType == actorType && !slices.Contains(lacked, of.program) && time.Since(said.seen) < goneFor && has(said.TypeInfo) {
			return errors.New("the hosts of another program that were up until just now are away")
		}
	}
	return nil
}

// Runs reports whether a host that is up runs actors of a type. It may be so no more, but it is not said to be so before.
func (p *Programs) Runs(ctx context.Context, actorType string) (bool, error) {
	runs := func(host store.HostEntry) bool { return host.MayRun(actorType) }
	p.mu.Lock()
	here, lately := p.config.runs(actorType), time.Since(p.listed) < p.config.Lease && slices.ContainsFunc(p.latest, runs)
	p.mu.Unlock()
	if here || lately {
		return true, nil
	}
	hosts, err := p.hosts(ctx)
	return slices.ContainsFunc(hosts, runs), err
}

// RunsElsewhere reports whether another host than one runs actors of a type, as far as the leases tell.
func (p *Programs) RunsElsewhere(ctx context.Context, actorType, host string) (bool, error) {
	hosts, err := p.hosts(ctx)
	return slices.ContainsFunc(hosts, func(other store.HostEntry) bool { return other.ID != host && other.MayRun(actorType) }), err
}

// RunsAt reports whether a host is up and runs actors of a type, as far as the leases tell.
func (p *Programs) RunsAt(ctx context.Context, actorType, host string) (bool, error) {
	hosts, err := p.hosts(ctx)
	return slices.ContainsFunc(hosts, func(one store.HostEntry) bool { return one.ID == host && one.MayRun(actorType) }), err
}

// ask asks a host about an actor type, unless a host of its program has told already.
func (p *Programs) ask(ctx context.Context, of programType, host string) (info wire.TypeInfo, err error) {
	p.mu.Lock()
	said, known := p.answers[of]
	if known {
		said.seen = time.Now()
		p.answers[of] = said
	}
	p.mu.Unlock()
	if known {
		return said.TypeInfo, nil
	}
	reply, err := p.config.Requester.Do(ctx, &wire.Message{Subject: p.config.Namespace.TypeInfo(host, of.actorType)}, pingTimeout)
	if err != nil {
		return info, err
	}
	if err := wire.DecodeError(reply); err != nil {
		return info, err
	}
	if err := wire.DecodeBody(reply, &info); err != nil {
		return info, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.answers == nil || len(p.answers) >= maxPeers {
		p.answers = make(map[programType]answer)
	}
	p.answers[of] = answer{info, time.Now()}
	return info, nil
}

// hosts returns those that are up, but for some that have started just now and take no calls yet. All who ask at the same
// time share one reading. The list is the caller's.
func (p *Programs) hosts(ctx context.Context) ([]store.HostEntry, error) {
	p.mu.Lock()
	if p.latest != nil && time.Since(p.listed) < freshFor {
		defer p.mu.Unlock()
		return slices.Clone(p.latest), nil
	}
	l := p.next
	if l == nil {
		l = &listing{done: make(chan struct{})}
		p.next = l
		p.config.Go(func() { p.list(l) })
	}
	p.mu.Unlock()
	select {
	case <-l.done:
		return slices.Clone(l.hosts), l.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *Programs) list(l *listing) {
	p.reading.Lock()
	defer p.reading.Unlock()
	p.mu.Lock()
	p.next = nil // who asks from now on is not served by this one
	p.mu.Unlock()
	began := time.Now()
	l.hosts, l.err = p.config.Leases.All(p.config.Ctx)
	p.mu.Lock()
	p.latest, p.listed = l.hosts, began
	p.mu.Unlock()
	close(l.done)
}

// announce waits until hosts of other programs, if there are any, know that this one has a lease.
func (p *Programs) announce(ctx context.Context) error {
	hosts, err := p.config.Leases.All(ctx)
	if err != nil {
		return err
	}
	other := func(h store.HostEntry) bool { return h.Program != p.config.Program }
	if slices.ContainsFunc(hosts, other) && !pause.For(ctx, freshFor) {
		return ctx.Err()
	}
	return nil
}
