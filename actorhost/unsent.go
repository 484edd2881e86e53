package actorhost

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/pause"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// markUnsent marks the actor as one whose record may have events that are not in the log: from before the first of them is
// stored until all are in the log and the activation ends. If its host dies before that, a waker wakes the actor, though
// nobody may call it, and so has its events sent. Few activations need a mark.
func (a *activation) markUnsent(ctx context.Context) error {
	if a.unsent.Load() == nil {
		a.unsent.CompareAndSwap(nil, a.host.log.Mark(a.session.id, a.id))
	}
	return a.unsent.Load().Make(ctx)
}

// unmarkSent removes the mark of an activation that ends and has sent everything.
func (a *activation) unmarkSent() {
	mark := a.unsent.Load()
	if mark == nil {
		return
	}
	ctx, cancel := context.WithTimeout(a.host.ctx, unmarkTimeout)
	defer cancel()
	if err := mark.Remove(ctx); err != nil {
		a.logger("").Warn("noting that all events are sent failed", slog.Any("error", err)) // the actor is woken in vain
	}
}

const unmarkTimeout, sweepTimeout, sweepsAtOnce = 5 * time.Second, time.Minute, 64

// sweep wakes, now and then, the actors of hosts that have died that may have unsent events.
func (w *waker) sweep() {
	for {
		if err := w.sweepHosts(); err != nil && w.h.staying.Err() == nil && w.h.nc.IsConnected() {
			w.h.config.Logger.Warn("looking for unsent events of dead hosts failed", slog.Any("error", err))
		}
		if !pause.For(w.h.staying, w.h.config.Lease) {
			return
		}
	}
}

func (w *waker) sweepHosts() error {
	ctx, cancel := context.WithTimeout(w.h.staying, sweepTimeout)
	defer cancel()
	hosts, err := w.index.UnsentHosts(ctx)
	if err != nil {
		return err
	}
	for _, host := range hosts {
		_, up, err := w.h.leases.Revision(ctx, host.Host)
		if err != nil {
			return err
		}
		if up {
			continue
		}
		if err := w.sweepHost(ctx, host); err != nil {
			return err
		}
	}
	return nil
}

// sweepHost wakes the actors of a host that is no more. They send what there is as they wake.
func (w *waker) sweepHost(ctx context.Context, host store.Unsent) error {
	marks, err := w.index.UnsentOf(ctx, host.Host)
	if err != nil {
		return err
	}
	var waking errgroup.Group // in which one that fails does not end the others
	waking.SetLimit(sweepsAtOnce)
	for _, mark := range marks {
		waking.Go(func() error {
			err := w.h.client.Invoke(ctx, troupe.Invocation{ID: mark.ID, Action: wire.NoticeAction, Existing: true, In: wire.Notice{}})
			if err != nil && !errors.Is(err, troupe.ErrNotFound) { // which is the answer of whoever is awake, or does not exist
				return err
			}
			return w.index.Unmark(ctx, mark)
		})
	}
	if err := waking.Wait(); err != nil {
		return err
	}
	return w.index.Unmark(w.h.staying, host)
}
