package actorhost

import (
	"context"
	"sync"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/origin"
	"github.com/troupe-go/troupe/internal/pause"
	"github.com/troupe-go/troupe/internal/wire"
)

// What runs beside the turns of an actor comes back without anybody calling: where the host dies, others find the mark of the
// actor (unsentmark.go); where only the activation ends, its host wakes the actor again, and when the host stops, another one.

// The pause between two tries doubles from wakeAgain to mostWakeAgain.
const wakeAgain, mostWakeAgain, wakeUpTimeout = 50 * time.Millisecond, 5 * time.Second, 10 * time.Second

// maxBringingBack is how many actors a host wakes again at a time.
const maxBringingBack = 64

// aloneAfter is when a host that stops finds that no other runs a type: see Host.Stop.
const aloneAfter = time.Second

// comebacks are the actors of a host that come back.
type comebacks struct {
	*roster
	all    sync.WaitGroup
	places chan struct{} // one element for each that is woken now
}

// bringBack has an actor woken again, because what runs beside its turns is not over. The actor counts from now on; begin is for
// when its activation has ended.
func (r *comebacks) bringBack(a *activation) (begin func()) {
	r.all.Add(1)
	return func() {
		r.goroutines.Go(func() {
			defer r.all.Done()
			if r.bringBackNow(a.id) {
				a.removeUnsentMark(r.ctx) // the next activation has one of its own
			} else {
				a.leaveUnsentMark()
			}
			if !r.isActive(a.id.Tokens()) {
				r.setbacks.forget(a.id)
			}
		})
	}
}

// bringBackNow tries it until it works, and reports that, or until the host has stopped, or knows no other.
func (r *comebacks) bringBackNow(id troupe.ID) bool {
	for wait := wakeAgain; r.wakesAgain(id); wait = min(2*wait, mostWakeAgain) {
		if r.wakeUp(id) {
			return true
		}
		if r.origin.LeavingFor(aloneAfter) || !pause.For(r.ctx, wait) {
			break
		}
	}
	return false
}

// wakesAgain reports whether there is a host on which the actor can wake.
func (r *comebacks) wakesAgain(id troupe.ID) bool {
	r.mu.Lock()
	stopping := r.stopping
	r.mu.Unlock()
	if !stopping {
		return r.ctx.Err() == nil
	}
	ctx, cancel := context.WithTimeout(r.ctx, wakeUpTimeout)
	defer cancel()
	elsewhere, err := r.presence.Programs.RunsElsewhere(ctx, id.Type(), r.presence.Session().ID)
	return elsewhere && err == nil
}

// wakeUp wakes an actor, on whichever host it is. It reports whether it is awake, with a mark, or gone.
func (r *comebacks) wakeUp(id troupe.ID) bool {
	ctx, cancel := context.WithTimeout(r.ctx, wakeUpTimeout)
	defer cancel()
	select {
	case r.places <- struct{}{}:
		defer func() { <-r.places }()
	case <-ctx.Done():
		return false
	}
	err := r.client.Invoke(origin.With(ctx, origin.Origin{Host: &r.origin}),
		troupe.Invocation{ID: id, Action: wire.NoticeAction, Existing: true, In: wire.Notice{}})
	return err == nil || errs.Is(err, troupe.ErrNotFound)
}

// await waits until the actors that ended are awake elsewhere, as long as ctx lasts.
func (r *comebacks) await(ctx context.Context) {
	done := make(chan struct{})
	r.goroutines.Go(func() { r.all.Wait(); close(done) })
	select {
	case <-done:
	case <-ctx.Done():
	}
}
