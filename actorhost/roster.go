package actorhost

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/commit"
	"github.com/troupe-go/troupe/actorhost/internal/mailbox"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/wire"
)

// roster holds the activations of a host.
type roster struct {
	*env
	types map[string]*actorType

	mu       sync.Mutex             // before that of an activation
	active   map[string]*activation // by the tokens of its ID
	peak     int                    // activations that the map has been made for
	stopping bool
}

// enqueue puts work into the mailbox of an actor, which comes to life for it. It returns the activation if the caller
// must have it worked off.
func (r *roster) enqueue(tokens string, w *work) *activation {
	for {
		a, err := r.getOrActivate(tokens)
		if err != nil {
			r.out.Refuse(&w.Call, err)
			return nil
		}
		switch a.offer(w) {
		case mustRun:
			return a
		case queued:
			return nil
		case duplicate:
			r.out.SendPending(&w.Call)
			return nil
		case mailboxFull:
			r.out.Refuse(&w.Call, errs.Overloaded("too much waits for %s, or on its host: at most %d calls, or %d MB of them, and %d MB on the host",
				a.id, a.kind.config.Mailbox, mailbox.MaxBytes>>20, mailbox.MaxAllBytes>>20))
			return nil
		case activationClosed: // it has just ended: its successor takes over
		}
	}
}

// getOrActivate is the activation of an actor, a new one when there is none.
func (r *roster) getOrActivate(tokens string) (*activation, *troupe.Error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if a := r.active[tokens]; a != nil {
		return a, nil
	}
	id, err := troupe.ParseID(tokens)
	if err != nil {
		return nil, errs.New(troupe.CodeBadInput, "%v", err)
	}
	s := r.presence.Session()
	switch {
	case r.stopping:
		return nil, errs.Unavailable("the host is stopping")
	case !s.Valid():
		return nil, errs.Unavailable("%v", commit.ErrNoLease)
	case len(r.active) >= r.config.MaxActive:
		return nil, errs.Overloaded("%d actors are awake on the host", len(r.active))
	}
	a := &activation{host: r.env, kind: r.types[id.Type()], id: id, session: s}
	a.gate.Open(&r.commits, (*gateActor)(a))
	r.active[id.Tokens()] = a
	return a, nil
}

// drainMailbox does what is in the mailbox of an activation, one thing after the other.
func (r *roster) drainMailbox(a *activation) {
	for a.doNext() {
		if a.finished {
			r.endActivation(a)
			return
		}
	}
}

// endActivation ends an activation. What has arrived for it, and what is still on its way by its subscription, goes to the
// activation that follows, here or elsewhere.
func (r *roster) endActivation(a *activation) {
	a.release()
	r.mu.Lock()
	left := a.close()
	r.remove(a.id)
	r.mu.Unlock()
	for _, w := range left {
		if w.kind == callWork {
			if next := r.enqueue(a.id.Tokens(), &w); next != nil {
				r.ready.Add(next)
			}
		}
	}
}

// remove removes an activation. Maps do not give memory back, so one that was much fuller is made anew. The caller holds
// r.mu.
func (r *roster) remove(id troupe.ID) {
	r.peak = max(r.peak, len(r.active))
	delete(r.active, id.Tokens())
	if left := len(r.active); left < r.peak/4 && r.peak > 4096 {
		fewer := make(map[string]*activation, left)
		maps.Copy(fewer, r.active)
		r.active, r.peak = fewer, left
	}
}

// len is how many actors are awake.
func (r *roster) len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.active)
}

// info is what is known of one actor.
func (r *roster) info(tokens string) wire.ActorInfo {
	r.mu.Lock()
	a := r.active[tokens]
	r.mu.Unlock()
	if a == nil {
		return wire.ActorInfo{}
	}
	return a.info()
}

// hasReleased reports whether the host stops and the actor sleeps already, so that another host may have it.
func (r *roster) hasReleased(tokens string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stopping && r.active[tokens] == nil && !r.presence.Session().Unflushed.Load()
}

// all are the activations of the host as it is now.
func (r *roster) all() []*activation {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Collect(maps.Values(r.active))
}

// evict ends all activations, of which none is the host's own any more.
func (r *roster) evict() {
	for _, a := range r.all() {
		a.requestEnd(dropWork)
	}
}

// stop has no actor wake any more, and all that are awake go to sleep. It returns how many have not when ctx is done.
func (r *roster) stop(ctx context.Context) (stuck int) {
	r.mu.Lock()
	r.stopping = true
	r.mu.Unlock()
	activations := r.all()
	for _, a := range activations {
		a.requestEnd(stopWork)
	}
	for _, a := range activations {
		select {
		case <-a.ended():
		case <-ctx.Done():
			stuck++
		}
	}
	return stuck
}
