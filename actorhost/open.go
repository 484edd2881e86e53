package actorhost

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/troupe-go/troupe/actorhost/internal/agenda"
	"github.com/troupe-go/troupe/actorhost/internal/commit"
	"github.com/troupe-go/troupe/actorhost/internal/crash"
	"github.com/troupe-go/troupe/actorhost/internal/faults"
	"github.com/troupe-go/troupe/actorhost/internal/presence"
	"github.com/troupe-go/troupe/actorhost/internal/tenants"
	"github.com/troupe-go/troupe/actorhost/internal/wake"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/internal/link"
	"github.com/troupe-go/troupe/internal/rpc"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/travel"
)

// open connects the host to the bus.
func (h *Host) open(ctx context.Context) error {
	if err := h.openStreams(ctx); err != nil {
		return err
	}
	if err := h.openCallers(); err != nil {
		return err
	}
	h.presence = presence.New(presence.Config{
		Conn: h.nc, Control: h.control, Namespace: h.ns, Requester: h.requester, Asker: h.asker,
		Records: h.records, Journals: h.journals, Leases: h.leases,
		Clock: h.clock, Logger: h.config.Logger, Faults: h.faults, Name: h.config.Name, Types: h.typeNames, Program: programOf(h.types),
		Durable: usesLog(h.types), Lease: h.config.Lease, LeaseGrows: h.config.leaseGrows,
		TakeoverOnDisconnect: h.config.TakeoverOnDisconnect, Inbox: h.inbox, ServiceRequests: h.serviceRequests,
		Ctx: h.ctx, UntilStop: h.untilStop, Go: h.goroutines.Go, Evict: h.evict,
		Lapse: h.leaseLapsed, Verify: h.verifyRecords,
	})
	h.clients = presence.NewClients(h.presence, func(l actorConnection) string { return l.conn.id }, h.connectionLost)
	h.commits = commit.Host{
		Store: h.records, Log: h.log, Archive: h.archive, Alarms: h.alarms, Queues: h.queues, Window: h.config.RequestIDWindow,
		Tables: commit.NewTables(h.config.RequestIDMemory), Logger: h.config.Logger, Faults: h.faults, Ctx: h.ctx, Go: h.goroutines.Go,
		Now: h.clock.Now, Stored: &h.stored, Refused: &h.conflicts,
	}
	h.agenda = agenda.New(h.alarms.Now, h.callDue)
	travel.Of(ctx).Join(traveller{h})
	if err := h.presence.AskStores(ctx); err != nil {
		return err
	}
	if err := h.openWaker(ctx); err != nil {
		return err
	}
	if err := h.openQueues(ctx); err != nil {
		return err
	}
	if _, err := h.presence.Join(ctx); err != nil {
		return err
	}
	if err := h.startSweeper(ctx); err != nil {
		return err
	}
	h.ringer = wake.StartRinger(wake.RingerConfig{
		Alarms: h.alarms, Types: h.typeNames, Faults: h.faults, For: h.ringFor, Call: h.client.Invoke,
		UntilGivenUp: h.ctx, UntilStop: h.untilStop,
	})
	h.startPuller()
	h.goroutines.Go(func() { h.dispatcher.run(h.quit) })
	h.goroutines.Go(h.presence.Keep)
	h.goroutines.Go(h.watchStreams)
	h.goroutines.Go(func() { h.clients.Watch(h.ctx) })
	h.goroutines.Go(h.serveService)
	h.goroutines.Go(func() { h.sweepIdle(h.untilStop) })
	h.goroutines.Go(func() { h.presence.TellStore(h.untilStop) })
	h.keepHearing()
	if err := h.presence.Preflight(ctx, h.preflightLog); err != nil {
		return err
	}
	if why := h.displaced.Load(); why != nil { // meanwhile
		return *why
	}
	return nil
}

// openCallers opens what the host makes calls and requests with.
func (h *Host) openCallers() (err error) {
	if h.client, err = client.New(h.nc, client.Config{
		Namespace: h.ns.Name(), Logger: h.config.Logger, Intercept: h.config.Intercept,
	}); err != nil {
		return err
	}
	if h.requester, err = rpc.NewRequester(h.nc); err != nil {
		return err
	}
	h.asker, err = rpc.NewRequester(h.control)
	return err
}

// openStreams opens what the host stores things in.
func (h *Host) openStreams(ctx context.Context) error {
	cluster, err := h.clustered(ctx)
	if err != nil {
		return err
	}
	settings := h.config.streams(cluster)
	settings.Clock, h.crash = travel.Of(ctx), crash.Of(ctx)
	settings.Suspect, settings.Gone, settings.Troubles = h.suspectStreams, h.streamGone, store.NewTroubles(h.control, h.ns)
	if h.records, err = store.OpenRecords(ctx, h.control, h.ns, settings); err != nil {
		return err
	}
	if h.journals, err = store.OpenJournals(ctx, h.records, h.ns, settings, faults.Eager); err != nil {
		return err
	}
	if h.leases, err = store.OpenHosts(ctx, h.control, h.ns, settings); err != nil {
		return err
	}
	h.config.completeLease(h.leases.OnOneServer())
	h.log = store.NewEventLog(h.control, h.ns, settings)
	h.archive = store.NewArchive(h.control, h.ns, settings)
	h.alarms = store.NewAlarms(h.control, h.ns, h.records, settings)
	h.queues = store.NewQueues(h.control, h.ns, h.alarms, settings)
	h.alarms.Blind = !faults.AlarmCAS
	if err := h.checkArchive(ctx); err != nil {
		return err
	}
	_, err = h.checkAlarms(ctx)
	return err
}

// clustered reports whether JetStream runs on a cluster. A host that may not ask takes it for one.
func (h *Host) clustered(ctx context.Context) (bool, error) {
	ctx, allowed := h.allowed(ctx, store.ClusterQuestion(h.ns))
	cluster, err := store.Clustered(ctx, h.control, h.ns)
	if !allowed() {
		return true, nil
	}
	return cluster, err
}

// startSweeper starts the sweeper, and what else one host does for all. A host that may not ask for the marks of others looks for them
// once it has made one.
func (h *Host) startSweeper(ctx context.Context) error {
	find := true
	if comeBack(h.types) { // those of other hosts too, from now on
		if _, _, err := h.log.Open(ctx); err != nil {
			return err
		}
	} else if h.waker == nil {
		ctx, allowed := h.allowed(ctx, store.SubscriptionsQuestion(h.ns))
		_, err := h.log.FindIndex(ctx)
		if find = allowed(); find && err != nil {
			return err
		}
	}
	h.sweeper = wake.StartSweeper(wake.SweeperConfig{
		Conn: h.control, Log: h.log, Find: find, Leases: h.leases, Lease: h.config.Lease, ID: h.ID,
		Gone: h.presence.Gone, MakeGone: h.presence.MakeGone, Faults: h.faults, Call: h.client.Invoke, UntilStop: h.untilStop,
	})
	return h.startCounter(ctx)
}

// startCounter starts to count what tenants store, if that is limited.
func (h *Host) startCounter(ctx context.Context) error {
	if !h.tenants.Counted() {
		return nil
	}
	_, index, err := h.log.Open(ctx)
	if err != nil {
		return err
	}
	h.counter = tenants.StartCounter(ctx, tenants.CounterConfig{
		Conn: h.control, Tenants: h.tenants, Records: h.records, Index: index, ID: h.ID, Gone: h.presence.Gone, Faults: h.faults,
		UntilStop: h.untilStop,
	})
	return nil
}

// hearing is what may fail for long.
const hearing = "NATS has taken subscriptions away: they are tried again"

// keepHearing has what the host subscribes to come back when NATS has taken it away and allows it again.
func (h *Host) keepHearing() {
	needs := presence.Needs(h.nc, h.ns, usesLog(h.types))
	needed := func(subject string) bool {
		return needs(false, subject) || strings.HasPrefix(subject, h.ns.Name()+".event.")
	}
	tell := func(err error) {
		if err == nil {
			h.faults.Works(hearing)
		} else {
			h.faults.Failed(hearing, store.Cause(err), err, slog.String("host", h.ID()))
		}
	}
	calls, control := link.KeepHearing(h.nc, needed, tell), link.KeepHearing(h.control, needed, tell)
	h.stopHearing = func() { calls(); control() }
}

// connectionLost queues the disconnect of a lost connection. If the mailbox is full, the next ping tries again.
func (h *Host) connectionLost(l actorConnection) {
	if l.a.offer(&work{kind: disconnectWork, arg: l.conn}) == mustRun {
		h.ready.Add(l.a)
	}
}

// close undoes open. Turns that were given up may still run.
func (h *Host) close(ctx context.Context) error {
	var errs []error
	if h.presence != nil {
		if s := h.presence.Session(); s != nil {
			errs = append(errs, s.End(ctx))
			h.leaveLog(ctx, s.ID)
		}
	}
	if h.stopHearing != nil {
		h.stopHearing()
	}
	close(h.quit)
	h.ready.Close()
	if h.waker != nil {
		h.waker.Stop()
	}
	if h.sweeper != nil {
		h.sweeper.Stop()
	}
	h.counter.Stop()
	if h.ringer != nil {
		h.ringer.Stop()
	}
	if h.puller != nil {
		h.puller.Stop()
	}
	if h.agenda != nil {
		h.agenda.Close()
	}
	if h.client != nil {
		errs = append(errs, h.client.Close(ctx))
	}
	for _, r := range []*rpc.Requester{h.requester, h.asker} {
		if r != nil {
			errs = append(errs, r.Close())
		}
	}
	if h.archive != nil {
		h.archive.Close()
	}
	if h.records != nil {
		errs = append(errs, h.records.Close())
	}
	if h.presence != nil {
		h.presence.Close()
	}
	done := make(chan struct{})
	go func() { h.goroutines.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
		errs = append(errs, fmt.Errorf("actorhost: waiting for actions to end: %w", ctx.Err()))
	}
	h.closeControl()
	h.stopListeningForProbes()
	return errors.Join(errs...)
}

// leaveLog removes what the host has in the index while its actors may have unsent events. If that fails, another does.
func (h *Host) leaveLog(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(ctx, unmarkTimeout)
	defer cancel()
	if err := h.log.Leave(ctx, id); err != nil && ctx.Err() == nil {
		h.config.Logger.Warn("removing the mark of the host failed", slog.String("host", id), slog.Any("error", err))
	}
}

// callDue has what is due run in the mailbox of its actor. If that is full, it is tried again.
func (h *Host) callDue(a *activation) {
	switch a.offer(&work{kind: dueWork}) {
	case mustRun:
		h.ready.Add(a)
	case mailboxFull:
		h.agenda.Set(a, h.alarms.Now().Add(100*time.Millisecond))
	}
}
