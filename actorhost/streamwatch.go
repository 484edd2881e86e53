package actorhost

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe/internal/link"
	"github.com/troupe-go/troupe/internal/pause"
	"github.com/troupe-go/troupe/internal/store"
)

// Anybody may delete a stream under a running host, or put it back to an older copy. JetStream tells of that in advisories,
// except when a server was down meanwhile; then the connection was lost. Where a host may not listen to advisories, and
// for what nobody tells, it asks from time to time.
const (
	askForStreams      = 5 * time.Minute
	askWithoutAdvisory = 5 * time.Second
	pauseBetweenChecks = 200 * time.Millisecond
	pauseAfterFailure  = time.Second
	checkTimeout       = 10 * time.Second
	maxAdvisories      = 256 // more only mean that there is something to check
	tellAgain          = 5 * time.Second
)

// checking is what may fail for long.
const checking = "checking the streams failed"

// suspectStreams has the streams checked soon. It does not wait.
func (h *Host) suspectStreams() {
	select {
	case h.suspects <- struct{}{}:
	default:
	}
}

// watchStreams checks the streams whenever there is a reason to, until the host begins to stop.
func (h *Host) watchStreams() {
	connected := h.control.StatusChanged(nats.CONNECTED)
	defer h.control.RemoveStatusListener(connected)
	advisories := make(chan *nats.Msg, maxAdvisories)
	every := askForStreams
	if sub := h.hearAdvisories(advisories); sub != nil {
		defer func() { _ = sub.Unsubscribe() }() // fails only if the connection is closed
	} else {
		every = askWithoutAdvisory
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	h.suspectStreams() // nobody has watched them since they were opened
	for {
		select {
		case <-h.untilStop.Done():
			return
		case <-connected:
		case <-ticker.C:
		case <-h.suspects:
		case msg := <-advisories:
			if !h.isOwnStream(msg.Subject) {
				continue
			}
		}
		wait := pauseBetweenChecks
		switch err := h.checkStreams(); {
		case h.untilStop.Err() != nil:
			return
		case err == nil:
			h.faults.Works(checking)
		default:
			h.faults.Failed(checking, store.Cause(err), err)
			h.suspectStreams() // again
			wait = pauseAfterFailure
		}
		pause.For(h.untilStop, wait)
	}
}

// hearAdvisories subscribes to what JetStream tells of streams. It returns nil if the host may not.
func (h *Host) hearAdvisories(into chan *nats.Msg) *nats.Subscription {
	guard := link.GuardSubscription(h.untilStop, h.control, store.StreamAdvisories)
	defer guard.End()
	sub, err := h.control.ChanSubscribe(store.StreamAdvisories, into)
	if err != nil {
		return nil
	}
	if guard.Flush(checkTimeout) != nil {
		_ = sub.Unsubscribe() // or it would be denied again with each reconnect
		return nil
	}
	return sub
}

// isOwnStream reports whether an advisory is about a stream of the namespace.
func (h *Host) isOwnStream(advisory string) bool {
	name := strings.TrimPrefix(advisory[strings.LastIndexByte(advisory, '.')+1:], "KV_")
	return strings.HasPrefix(name, h.ns.Name()+"-")
}

// checkStreams finds out which streams were replaced, says so, and has the host go on with what is there now. An error says
// what is not known.
func (h *Host) checkStreams() error {
	ctx, cancel := context.WithTimeout(h.ctx, checkTimeout)
	defer cancel()
	var errRecords, errLeases, errJournals, errLog, errAlarms, errQueues error
	var checks sync.WaitGroup // one that must be made again does not hold up the others
	checks.Go(func() {
		var records *store.Replaced
		records, errRecords = h.records.Check(ctx)
		h.replaced(records, func() {
			h.presence.Restart()
			h.recordsReplaced()
		})
	})
	checks.Go(func() {
		var leases *store.Replaced
		leases, errLeases = h.leases.Check(ctx)
		h.replaced(leases, h.presence.Restart)
	})
	checks.Go(func() {
		var journals *store.Replaced
		journals, errJournals = h.journals.Check(ctx)
		h.replaced(journals, func() { h.presence.Session().Journal.Replaced() })
	})
	checks.Go(func() {
		var log, index *store.Replaced
		log, index, errLog = h.log.Check(ctx)
		h.replaced(log, func() {
			h.clearOutboxes()
			h.catchUp(ctx)
		})
		h.replaced(index, func() { // and with it the marks of actors that have events to send
			h.presence.Restart()
			h.reindex(ctx, index)
		})
	})
	checks.Go(func() {
		var alarms *store.Replaced
		alarms, errAlarms = h.checkAlarms(ctx)
		h.replaced(alarms, func() { h.setAlarmsAgain(ctx) })
	})
	checks.Go(func() {
		var queues []*store.Replaced
		queues, errQueues = h.queues.Check(ctx)
		for _, one := range queues {
			h.replaced(one, func() {})
		}
	})
	checks.Wait()
	return errors.Join(errRecords, errLeases, errJournals, errLog, errAlarms, errQueues)
}

// missing is what may fail for long.
const missing = "a stream is gone"

// streamGone says that a stream is gone, before it is made again: a cluster may take a while for that.
func (h *Host) streamGone(stream string, err error) {
	if err == nil {
		h.faults.Works(missing)
	} else {
		h.faults.Failed(missing, stream+" is gone", err, slog.String("stream", stream))
	}
}

// verifyRecords is asked before a host that was disconnected serves again: its memory counts only for the records that it
// was loaded from. The error is store.ErrConflict if they are others.
func (h *Host) verifyRecords(ctx context.Context) error {
	replaced, err := h.records.Check(ctx)
	if err != nil || replaced == nil {
		return err
	}
	h.replaced(replaced, h.recordsReplaced)
	return store.ErrConflict
}

// recordsReplaced has all who depend on the records look at what is there now. It does not wait.
func (h *Host) recordsReplaced() {
	h.tellRecordsReplaced()
	h.goroutines.Go(func() {
		ctx, cancel := context.WithTimeout(h.untilStop, checkTimeout)
		defer cancel()
		h.setAlarmsAgain(ctx)
		h.catchUp(ctx)
	})
}

// tellRecordsReplaced tells all who listen to actors, now and for those who are connected again a little later.
func (h *Host) tellRecordsReplaced() {
	h.goroutines.Go(func() {
		h.out.Send(&nats.Msg{Subject: h.ns.RecordsReplaced()})
		if pause.For(h.untilStop, tellAgain) {
			h.out.Send(&nats.Msg{Subject: h.ns.RecordsReplaced()})
		}
	})
}

// replaced has the host go on, and then tells of a stream that was replaced, if one was.
func (h *Host) replaced(r *store.Replaced, goOn func()) {
	if r != nil {
		goOn()
		h.config.Logger.Error("a stream was replaced: what only the earlier one had is lost, and the host goes on with what is there",
			slog.String("stream", r.Stream), slog.String("how", r.How))
	}
}

// reindex enters again who subscribes to what, from the records, after the index was lost. One host does it for all.
func (h *Host) reindex(ctx context.Context, noticed *store.Replaced) {
	_, index, err := h.log.Open(ctx)
	if err == nil {
		err = index.BeginReindex(ctx, noticed)
	}
	if err != nil {
		return // another host does, or the index is gone again
	}
	h.goroutines.Go(func() {
		entered, err := store.Reindex(h.ctx, h.records, index)
		if err != nil {
			h.config.Logger.Error("entering durable subscriptions again failed: troupe doctor can", slog.Any("error", err))
			return
		}
		h.config.Logger.Info("durable subscriptions were entered again", slog.Int("entered", entered))
		h.catchUpAll() // events were delivered while they were not there
	})
}
