package actorhost

import (
	"context"
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

// maxBringingBack is how many actors a host brings back at a time.
const maxBringingBack = 64

// bringBack has an actor woken again, if what runs beside its turns is not over.
func (r *roster) bringBack(a *activation) {
	if !a.comesBack {
		return
	}
	done := make(chan struct{})
	r.mu.Lock()
	if r.stopping {
		r.comingBack = append(r.comingBack, done)
	}
	r.mu.Unlock()
	r.goroutines.Go(func() {
		defer close(done)
		r.bringingBack <- struct{}{} // whoever has the place leaves it: all waits have ends
		defer func() { <-r.bringingBack }()
		for wait := wakeAgain; r.wakesAgain(a.id) && !r.wakeUp(a.id) && pause.For(r.ctx, wait); {
			wait = min(2*wait, mostWakeAgain)
		}
	})
}

// wakesAgain reports whether there is a host on which the actor can wake. If not, the mark of the actor stays.
func (r *roster) wakesAgain(id troupe.ID) bool {
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

// wakeUp wakes an actor, on whichever host it is. It reports whether it is awake, or gone.
func (r *roster) wakeUp(id troupe.ID) bool {
	ctx, cancel := context.WithTimeout(r.ctx, wakeUpTimeout)
	defer cancel()
	err := r.client.Invoke(origin.With(ctx, origin.Origin{Host: &r.origin}),
		troupe.Invocation{ID: id, Action: wire.NoticeAction, Existing: true, In: wire.Notice{}})
	return err == nil || errs.Is(err, troupe.ErrNotFound)
}

// awaitComingBack waits until the actors that ended are awake elsewhere, as long as ctx lasts.
func (r *roster) awaitComingBack(ctx context.Context) {
	r.mu.Lock()
	all := r.comingBack
	r.mu.Unlock()
	for _, done := range all {
		select {
		case <-done:
		case <-ctx.Done():
		}
	}
}
