package actorhost

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/mailbox"
	"github.com/troupe-go/troupe/actorhost/internal/readers"
	"github.com/troupe-go/troupe/actorhost/internal/tenants"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/wire"
)

// roster holds the activations of a host.
type roster struct {
	*env
	types map[string]*actorType

	mu       sync.Mutex             // locked before an activation's mutex
	active   map[string]*activation // by actor ID, as tokens of a subject
	peak     int                    // the most activations since the map was made
	left     leftActors
	stopping bool

	tenants *tenants.Tenants // nil without limits
	passing chan struct{}    // one element for each call that is passed on
}

func newRoster(e *env, types map[string]*actorType) *roster {
	return &roster{
		env: e, types: types, active: make(map[string]*activation), left: make(leftActors), passing: make(chan struct{}, maxPassedOn),
		tenants: e.config.Tenants.open(),
	}
}

// maxPassedOn is how many calls a host passes on, or is about to refuse, at a time.
const maxPassedOn = 4096

// enqueue puts a call into an actor's mailbox, and creates the activation if there is none. It returns the activation
// if the caller must add it to the pool.
func (r *roster) enqueue(tokens string, w *work) *activation {
	for {
		a, left, err := r.getOrActivate(tokens)
		switch {
		case left.to != "":
			id, _ := troupe.ParseID(tokens)
			r.forwardLeft(w, id, left)
			return nil
		case err != nil:
			r.refuse(&w.Call, r.presence.Session(), err)
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
			r.refuse(&w.Call, a.session, errs.Overloaded(
				"the mailbox of %s, or its host, is full: at most %d calls or %d MB wait for an actor, and %d MB on a host",
				a.id, a.kind.config.MailboxSize, mailbox.MaxBytes>>20, mailbox.MaxAllBytes>>20))
			return nil
		case tenantFull:
			r.refuse(&w.Call, a.session, a.tenant.Full())
			return nil
		case cannotComeBack:
			r.refuse(&w.Call, a.session, errCycle(w.Get(wire.HeaderChain), tokens, "no stored state can be read now"))
			return nil
		case readsFull:
			r.refuse(&w.Call, a.session, errs.Overloaded("%s is read beside its turns %d times already, or its host %d times", a.id,
				readers.Most, maxSnapshotReads))
			return nil
		case activationClosed: // it has just ended: retry with the next activation
		}
	}
}

// cancel calls off a call of an actor, if it is here.
func (r *roster) cancel(tokens string, name callName) {
	r.mu.Lock()
	a := r.active[tokens]
	r.mu.Unlock()
	if a != nil {
		a.cancel(name)
	}
}

// getOrActivate returns the activation of an actor, a new one if there is none and the actor was not left to another host.
func (r *roster) getOrActivate(tokens string) (*activation, leftActor, *troupe.Error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if a := r.active[tokens]; a != nil {
		return a, leftActor{}, nil
	}
	id, malformed := troupe.ParseID(tokens)
	if malformed != nil {
		return nil, leftActor{}, errs.New(troupe.CodeBadInput, "%v", malformed)
	}
	now := r.clock.Now()
	s, left := r.presence.Session(), r.left.find(id.Tokens(), now)
	switch {
	case r.stopping:
		return nil, leftActor{}, errs.Unavailable("the host is stopping")
	case left.to != "":
		return nil, left, nil
	case !s.Valid() && !s.Lasts():
		return nil, leftActor{}, errs.Unavailable("%v", s.Err())
	}
	if err := r.checkRoom(len(r.active)); err != nil {
		return nil, leftActor{}, errs.As(err)
	}
	tenant, err := r.tenants.Enter(id)
	if err != nil {
		return nil, leftActor{}, err
	}
	a := &activation{host: r.env, kind: r.types[id.Type()], id: id, session: s, began: now, tenant: tenant}
	a.connections.tenant = tenant
	a.hasWoken(now) // it is about to
	a.gate.Open(&r.commits, (*gateActor)(a))
	if a.kind.beside {
		a.snapshotReads = new(snapshotReads)
		a.gate.KeepSnapshots()
	}
	r.active[id.Tokens()] = a
	a.place, a.kind.awake = len(a.kind.awake), append(a.kind.awake, a)
	return a, leftActor{}, nil
}

// drainMailbox does the work in the mailbox of an activation, one after the other. If the work ends the goroutine, it
// is called again.
func (r *roster) drainMailbox(a *activation, goroutine uint64) {
	if a.readsSnapshot(goroutine) { // it does not matter which of two goroutines does which
		return
	}
	for !a.finished {
		if !a.doNext(goroutine) {
			return
		}
	}
	r.endActivation(a)
}

// endActivation ends an activation. Calls that wait, or that still arrive by its subscription, go to the next
// activation, here or on another host.
func (r *roster) endActivation(a *activation) {
	a.release()
	if a.comesBack {
		defer r.bringBack(a)() // it counts before anybody can hear that it has ended
	} else if a.loop != nil {
		r.setbacks.forget(a.id)
	}
	r.mu.Lock()
	left := a.close()
	r.remove(a)
	r.mu.Unlock()
	a.tenant.Leave()
	for _, w := range left {
		if w.kind == callWork {
			if next := r.enqueue(a.id.Tokens(), &w); next != nil {
				r.ready.Add(next)
			}
		}
	}
}

// remove removes an activation. Maps never shrink, so it copies one that has lost most of its entries. The caller holds
// r.mu.
func (r *roster) remove(a *activation) {
	all := a.kind.awake // those that are listed are listed from the last to the first, so none of them is passed over
	last := len(all) - 1
	all[a.place], all[last].place = all[last], a.place
	all[last] = nil
	a.kind.awake = shrunk(all[:last])
	r.peak = max(r.peak, len(r.active))
	delete(r.active, a.id.Tokens())
	if left := len(r.active); left < r.peak/4 && r.peak > 4096 {
		fewer := make(map[string]*activation, left)
		maps.Copy(fewer, r.active)
		r.active, r.peak = fewer, left
	}
}

// checkRoom refuses one more actor on a host with so many, if it has no room for that.
func (r *roster) checkRoom(active int) error {
	if active < r.config.MaxActive {
		return nil
	}
	return errs.Overloaded("%d actors are awake on the host", active)
}

// len returns how many actors are awake.
func (r *roster) len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.active)
}

// isActive reports whether an actor is awake here, or is about to be.
func (r *roster) isActive(tokens string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.active[tokens] != nil
}

// info describes one actor.
func (r *roster) info(tokens string) wire.ActorInfo {
	r.mu.Lock()
	a := r.active[tokens]
	r.mu.Unlock()
	if a == nil {
		return wire.ActorInfo{}
	}
	return a.info()
}

// hasReleased reports whether another host may own the actor: this host is stopping, the actor sleeps, and its record is
// complete.
func (r *roster) hasReleased(tokens string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stopping && r.active[tokens] == nil && !r.presence.Session().Unflushed.Load()
}

// all returns the current activations.
func (r *roster) all() []*activation {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Collect(maps.Values(r.active))
}

// evict ends all activations. The host owns none of them any more.
func (r *roster) evict() {
	for _, a := range r.all() {
		a.requestEnd(dropWork)
	}
}

// leaseLapsed has the run loops end because the lease has run out, or start because it is back.
func (r *roster) leaseLapsed(bool) {
	for _, a := range r.all() {
		if a.heedsLease() && a.offer(&work{kind: lapseWork}) == mustRun {
			r.ready.Add(a)
		}
	}
}

// stop lets no more actors wake and puts all to sleep. It returns how many are still awake when ctx is done.
func (r *roster) stop(ctx context.Context) (stuck int) {
	r.mu.Lock()
	r.stopping = true
	r.mu.Unlock()
	activations := r.all()
	endAll := func() {
		for _, a := range activations {
			a.requestEnd(stopWork)
		}
	}
	defer r.stops.begin(ctx, r.config.Grace, endAll)()
	endAll()
	for _, a := range activations {
		select {
		case <-a.ended():
		case <-ctx.Done():
			stuck++
		}
	}
	r.awaitComebacks(ctx)
	return stuck
}

// shrunk is a list in less memory, once it has lost most of what it had.
func shrunk(all []*activation) []*activation {
	if cap(all) > 4096 && len(all) < cap(all)/4 {
		return slices.Clone(all)
	}
	return all
}
