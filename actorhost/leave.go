package actorhost

import (
	"context"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/errs"
)

// leaveTimeout bounds the wait for an actor to end here.
const leaveTimeout = 3 * time.Second

// leave leaves an actor to another host: once it has stayed for a while it ends here, and then its calls go there. All who
// want an actor to leave at the same time leave it together, to the host that the first has found.
func (r *roster) leave(ctx context.Context, id troupe.ID, host string) (leftActor, *troupe.Error) {
	ctx, cancel := context.WithTimeout(ctx, leaveTimeout)
	defer cancel()
	for {
		left, a, wait := r.beginToLeave(id, host)
		switch {
		case wait != nil:
			if !wait(ctx) {
				return left, errs.Unavailable("%s is to leave its host, and is still busy", id)
			}
			continue
		case left.leaving == nil:
			return left, nil
		}
		released, err := r.release(ctx, id, a)
		r.endToLeave(id, &left, released)
		return left, err
	}
}

// beginToLeave has the actor not wake here from now on, and returns its activation, if there is one. But if the actor was
// left already it returns that, and if this is not the time to leave, what to wait for.
func (r *roster) beginToLeave(id troupe.ID, host string) (leftActor, *activation, func(context.Context) bool) {
	now := r.clock.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	left, a := r.left.find(id.Tokens(), now), r.active[id.Tokens()]
	switch {
	case left.leaving != nil:
		return left, nil, func(ctx context.Context) bool { return closed(ctx, left.leaving, leaveTimeout) }
	case left.to != "":
		return left, nil, nil
	case a != nil && now < a.staysUntil():
		return left, nil, func(ctx context.Context) bool { return closed(ctx, a.ended(), a.staysUntil()-now) }
	}
	left = leftActor{to: host, until: now + leaveTimeout + leftFor, leaving: make(chan struct{})}
	r.left[id.Tokens()] = left
	return left, a, nil
}

// closed waits until a channel is closed, for so long at most. It reports whether ctx is not done.
func closed(ctx context.Context, c <-chan struct{}, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-c:
	case <-timer.C:
	case <-ctx.Done():
		return false
	}
	return true
}

// endToLeave ends what beginToLeave has begun: from now on the actor's calls go to the other host, if it was released.
func (r *roster) endToLeave(id troupe.ID, left *leftActor, released released) {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(left.leaving)
	*left = leftActor{to: left.to, released: released, until: r.clock.Now() + leftFor}
	if released.by == "" {
		delete(r.left, id.Tokens())
		return
	}
	r.left[id.Tokens()] = *left
}

// release waits until an actor that is to be left is no longer awake, and its record is complete. It may have no activation.
func (r *roster) release(ctx context.Context, id troupe.ID, a *activation) (released, *troupe.Error) {
	if a != nil {
		a.endInTurn()
		select {
		case <-a.ended():
		case <-ctx.Done():
			return released{}, errs.Unavailable("%s is to leave its host, and is still busy", id)
		}
	}
	s := r.presence.Session()
	if s.Unflushed.Load() { // what the journal has must first get into the record
		return released{}, errs.Unavailable("%s cannot leave its host now", id)
	}
	found, err := r.readRecord(ctx, id) // the actor cannot wake here meanwhile
	if err != nil {
		return released{}, errs.As(err)
	}
	return released{s.ID, found.Epoch}, nil
}

// takeBack has calls of an actor wake it here again, because another host, which had it later, has left it to this one, or
// because the other has not taken it.
func (r *roster) takeBack(tokens string, by released) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if left := r.left[tokens]; left.leaving == nil && by.epoch >= left.released.epoch {
		delete(r.left, tokens)
	}
}
