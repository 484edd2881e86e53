package hosttest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/travel"
	"github.com/troupe-go/troupe/internal/wire"
)

// later are the messages of queues that wait for a time, as stops of a journey.
func (j *journey) later() (stops []stop) {
	for _, ns := range j.b.namespaces {
		found, err := j.readLater(ns)
		for began := time.Now(); errors.Is(err, context.DeadlineExceeded) && time.Since(began) < travelTimeout; { // a slow machine
			found, err = j.readLater(ns)
		}
		if err != nil {
			j.failed(err)
		}
		stops = append(stops, found...)
	}
	return stops
}

func (j *journey) readLater(ns wire.Namespace) (stops []stop, err error) {
	ctx, cancel := context.WithTimeout(j.ctx, readTimeout)
	defer cancel()
	messages, err := jetstreamext.GetBatch(ctx, j.js, store.LaterName(ns), 1_000_000,
		jetstreamext.GetBatchSeq(1), jetstreamext.GetBatchSubject(ns.Name()+".later.>"))
	if err != nil {
		return nil, err
	}
	for msg, err := range messages {
		if err != nil {
			return stops, err
		}
		id, _, _, ok := ns.ParseMoved(msg.Subject, "later")
		m := store.Message{Header: msg.Header}
		if at := m.NotBefore(); ok && !at.IsZero() {
			stops = append(stops, stop{place{ns: ns, actor: id, later: msg.Sequence}, at})
		}
	}
	return stops, ctx.Err() // a timeout ends the messages just as their end does
}

// ripen has a message come that waits, as the server does at its time.
func (j *journey) ripen(s stop) {
	stream, err := j.js.Stream(j.ctx, store.LaterName(s.ns))
	var msg *jetstream.RawStreamMsg
	if err == nil {
		msg, err = stream.GetMsg(j.ctx, s.later)
	}
	if err == nil {
		err = stream.DeleteMsg(j.ctx, s.later)
	}
	if err == nil {
		ripe := &nats.Msg{Subject: strings.Replace(msg.Subject, ".later.", ".ripe.", 1), Header: maps.Clone(msg.Header), Data: msg.Data}
		maps.DeleteFunc(ripe.Header, func(name string, _ []string) bool { return strings.HasPrefix(name, "Nats-") })
		_, err = j.js.PublishMsg(j.ctx, ripe)
	}
	if err != nil && !isGone(err) {
		j.b.tb.Fatalf("hosttest: a message that waits for %s: %v", s.actor, err)
	}
}

// unhandled returns a message for an actor of a host that is up that is not handled yet, nor moved.
func (j *journey) unhandled() *stop {
	for _, ns := range j.b.namespaces {
		bells := j.subjects(store.LaterName(ns), ns.Moved("later", ""))
		for subject := range j.subjects(store.InOrderName(ns), ns.Moved("inorder", "")) {
			id, queue, ok := ns.ParseInOrder(subject)
			if ok && j.isRun(ns, id) && bells[ns.Later(id, queue, wire.BellMessage)] == 0 {
				return &stop{place{ns: ns, actor: id}, j.b.Now()}
			}
		}
		for stream, kind := range map[string]string{store.QueueName(ns): "queue", store.LaterName(ns): "ripe"} {
			for subject := range j.subjects(stream, ns.Moved(kind, "")) {
				id, _, ok := ns.ParseQueue(subject)
				if kind == "ripe" {
					id, _, _, ok = ns.ParseMoved(subject, kind)
				}
				if ok && j.isRun(ns, id) {
					return &stop{place{ns: ns, actor: id}, j.b.Now()}
				}
			}
		}
	}
	return nil
}

func (j *journey) isRun(ns wire.Namespace, id troupe.ID) bool {
	return slices.ContainsFunc(j.b.clock.Hosts(), func(h travel.Host) bool { return h.RunsType(ns, id.Type()) })
}

// subjects are those of a stream that match a filter.
func (j *journey) subjects(name, filter string) map[string]uint64 {
	ctx, cancel := context.WithTimeout(j.ctx, travelTimeout)
	defer cancel()
	stream, err := j.js.Stream(ctx, name)
	if err == nil {
		var info *jetstream.StreamInfo
		if info, err = stream.Info(ctx, jetstream.WithSubjectFilter(filter)); err == nil {
			return info.State.Subjects
		}
	}
	j.failed(err)
	return nil
}
