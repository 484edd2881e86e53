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

// maxBringingBack is how many actors a host brings back at a time.
const maxBringingBack = 64

// comebacks are the actors of a host that are woken again.
type comebacks struct {
	*env
	places chan struct{} // one element for each that is woken just now

	mu       sync.Mutex
	stopping bool
	awaited  []<-chan struct{} // closed once actors that ended as the host stops are awake elsewhere
}

func newComebacks(e *env) comebacks {
	return comebacks{env: e, places: make(chan struct{}, maxBringingBack)}
}

// bring has an actor woken again.
func (r *comebacks) bring(id troupe.ID) {
	done := make(chan struct{})
	r.mu.Lock()
	if r.stopping {
		r.awaited = append(r.awaited, done)
	}
	r.mu.Unlock()
	r.goroutines.Go(func() {
		defer close(done)
		r.places <- struct{}{} // whoever has the place leaves it: all waits have ends
		defer func() { <-r.places }()
		for wait := wakeAgain; r.wakesAgain(id) && !r.wakeUp(id) && pause.For(r.ctx, wait); {
			wait = min(2*wait, mostWakeAgain)
		}
	})
}

// wakesAgain reports whether there is a host on which the actor can wake. If not, the mark of the actor stays.
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

// wakeUp wakes an actor, on whichever host it is. It reports whether it is awake, or gone.
func (r *comebacks) wakeUp(id troupe.ID) bool {
	ctx, cancel := context.WithTimeout(r.ctx, wakeUpTimeout)
	defer cancel()
	err := r.client.Invoke(origin.With(ctx, origin.Origin{Host: &r.origin}),
		troupe.Invocation{ID: id, Action: wire.NoticeAction, Existing: true, In: wire.Notice{}})
	return err == nil || errs.Is(err, troupe.ErrNotFound)
}

// stop has actors woken on other hosts from now on.
func (r *comebacks) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopping = true
}

// wait waits until those that have ended since are awake elsewhere, as long as ctx lasts.
func (r *comebacks) wait(ctx context.Context) {
	r.mu.Lock()
	all := r.awaited
	r.mu.Unlock()
	for _, done := range all {
		select {
		case <-done:
		case <-ctx.Done():
		}
	}
}
