package wake

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/pause"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// What may fail for long.
const (
	sweeping  = "looking for unsent events of dead hosts failed"
	lookingUp = "reading the subscribers to an event failed"
)

const sweepTimeout, sweepsAtOnce = time.Minute, 64

// sweep looks for dead hosts once per lease, and wakes those of their actors that may have unsent events.
func (w *Waker) sweep() {
	for {
		if err := w.sweepHosts(); err != nil && w.config.UntilStop.Err() == nil && w.config.Conn.IsConnected() {
			w.config.Faults.Failed(sweeping, store.Cause(err), err)
		} else if err == nil {
			w.config.Faults.Works(sweeping)
		}
		if !pause.For(w.config.UntilStop, w.config.Lease) {
			return
		}
	}
}

func (w *Waker) sweepHosts() error {
	ctx, cancel := context.WithTimeout(w.config.UntilStop, sweepTimeout)
	defer cancel()
	hosts, err := w.index.UnsentHosts(ctx)
	if err != nil {
		return err
	}
	for _, host := range hosts {
		_, up, err := w.config.Leases.Revision(ctx, host.Host)
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

// sweepHost wakes the actors of a dead host. They send their events as they wake.
func (w *Waker) sweepHost(ctx context.Context, host store.Unsent) error {
	marks, err := w.index.UnsentOf(ctx, host.Host)
	if err != nil {
		return err
	}
	var waking errgroup.Group // without a context: one failure does not end the others
	waking.SetLimit(sweepsAtOnce)
	for _, mark := range marks {
		waking.Go(func() error {
			err := w.config.Call(ctx, troupe.Invocation{ID: mark.ID, Action: wire.NoticeAction, Existing: true, In: wire.Notice{}})
			if err != nil && !errors.Is(err, troupe.ErrNotFound) { // NotFound is fine: the actor does not exist, or is awake
				return err
			}
			return w.index.Unmark(ctx, mark)
		})
	}
	if err := waking.Wait(); err != nil {
		return err
	}
	return w.index.Unmark(w.config.UntilStop, host)
}
