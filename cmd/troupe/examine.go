package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/look"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// examination compares the records with what else is stored.
type examination struct {
	connection
	onItsWay time.Duration // how long an event may take to its subscribers

	records *store.Records
	hosts   map[string]store.HostEntry
	log     map[topic]store.Logged // the last event of each; nil if there is no log
	index   *store.Subscriptions   // nil if there is none
	alarms  *alarmCheck

	decoded                                  int
	damaged, orphaned, early, older, unheard sample
	unindexed, behind, parked, stuck         sample
	missing                                  []subscription // in the index
	told                                     []subscription // to tell of events in the log
}

// topic is an event of an actor.
type topic struct {
	source troupe.ID
	event  string
}

// subscription is the durable subscription of an actor to a topic.
type subscription struct {
	topic
	subscriber troupe.ID
	last       store.Logged
}

// maxClockAhead is how far epochs may be ahead of the clock of this machine.
const maxClockAhead = time.Minute

// examine finds out what is wrong with what is stored.
func (x *examination) examine(ctx context.Context, streams []store.Surveyed) ([]finding, error) {
	if wrong := streamFindings(x.namespace.Name(), streams); wrong != nil {
		return wrong, nil
	}
	var err error
	if x.hosts, err = x.hostsUp(ctx); err != nil {
		return nil, err
	}
	if err := x.read(ctx, streams[0]); err != nil {
		return nil, err
	}
	found := x.findings()
	items := func(ctx context.Context) ([]finding, error) { return itemFindings(ctx, x.records) }
	for _, look := range []func(context.Context) ([]finding, error){x.alarms.findings, x.deadFindings, items, x.journals} {
		more, err := look(ctx)
		if err != nil {
			return nil, err
		}
		found = append(found, more...)
	}
	return found, nil
}

// close ends the examination, and the repairs.
func (x *examination) close() {
	if x.records != nil {
		_ = x.records.Close() // no write is in flight
	}
}

// streamFindings says what is wrong with the streams themselves. If there is something, nothing else can be looked at.
func streamFindings(namespace string, streams []store.Surveyed) (found []finding) {
	none := true
	for _, one := range streams {
		none = none && one.Info == nil
		switch {
		case one.Wrong != nil:
			found = append(found, finding{
				Level: isWrong, Text: one.Wrong.Error(), Remedy: "docs/hosts.md says how a stream is made by hand",
			})
		case one.Info == nil && one.Always:
			found = append(found, finding{Level: isWrong, Text: one.Name + " is gone", Remedy: "the next host that starts makes it, empty"})
		}
	}
	if none {
		return []finding{{Level: isNote, Text: "no host has run in the namespace " + namespace}}
	}
	return found
}

// read reads the log, the index, the alarms and the records, whose stream this is.
func (x *examination) read(ctx context.Context, stream store.Surveyed) error {
	log, err := store.FindLog(ctx, x.nc, x.namespace)
	if err != nil {
		return err
	}
	if log != nil {
		x.log = make(map[topic]store.Logged)
		for one, err := range log.LastOfEach(ctx) {
			if err != nil {
				return err
			}
			x.log[topic{one.Actor, one.Event}] = one
		}
	}
	if x.index, err = store.FindSubscriptions(ctx, x.nc, x.namespace); err != nil {
		return err
	}
	if x.records, err = x.findRecords(ctx); err != nil || x.records == nil {
		return err
	}
	if x.alarms, err = findAlarms(ctx, x.connection, x.records, x.hosts, stream.Info.Config.Replicas); err != nil {
		return err
	}
	var done atomic.Int64
	if x.interactive && !x.json {
		defer showProgress(x.err, "reading records", int64(stream.Info.State.Msgs), done.Load)()
	}
	for one, err := range x.records.List(ctx, "") {
		done.Add(1)
		switch {
		case errors.Is(err, record.ErrCorrupt):
			x.damaged.add(one.ID)
		case err != nil:
			return err
		default:
			if err := x.compare(ctx, one); err != nil {
				return err
			}
		}
	}
	return nil
}

// compare compares a record with the rest.
func (x *examination) compare(ctx context.Context, one store.ListedRecord) error {
	parts, err := one.Open()
	if err != nil {
		return err
	}
	x.decoded++
	if _, up := x.hosts[one.Owner]; !up && one.Owner != "" {
		x.orphaned.add(one.ID)
	}
	if one.Epoch > uint64(time.Now().Add(maxClockAhead).UnixMilli()) {
		x.early.add(one.ID)
	}
	x.alarms.compare(one, parts.Schedules())
	if len(parts.Schedules().Parked()) > 0 {
		x.parked.add(one.ID)
	}
	if len(look.StuckOf(one.ID, &parts, look.StuckWorkflow)) > 0 {
		x.stuck.add(one.ID)
	}
	for event, last := range parts.Events().All() {
		if logged, ok := x.log[topic{one.ID, event}]; ok && last.Before(logged.Place.Position) {
			x.older.add(one.ID)
			break
		}
	}
	for f := range parts.Follows().All() {
		s := subscription{topic{f.Source, f.Event}, one.ID, x.log[topic{f.Source, f.Event}]}
		switch at := s.last.Place.Position; {
		case x.log == nil || at.Before(f.Last):
			x.unheard.add(one.ID)
		case f.Last.Before(at) && time.Since(s.last.Time) > x.onItsWay:
			x.behind.add(one.ID)
			x.told = append(x.told, s)
		}
		if x.index == nil {
			x.unindexed.add(one.ID)
		} else if there, err := x.index.Has(ctx, f.Source, f.Event, one.ID); err != nil {
			return err
		} else if !there {
			x.unindexed.add(one.ID)
			x.missing = append(x.missing, s)
		}
	}
	return nil
}

// findings says what the comparison has found.
func (x *examination) findings() (found []finding) {
	add := func(s sample, level level, text, remedy string, repair func(context.Context) error) {
		if s.count > 0 {
			found = append(found, finding{level, fmt.Sprintf("%d %s", s.count, text), s.actors, remedy, repair})
		}
	}
	found = append(found, finding{Level: isWell, Text: fmt.Sprintf("%d records can be decoded", x.decoded)})
	add(x.damaged, isWrong, "records cannot be decoded", "troupe state get --raw shows one, troupe state set replaces it", nil)
	add(x.early, isWrong, "actors have an epoch from the future",
		"the clock of a host was ahead: until that time, their epochs do not grow if their records are lost", nil)
	add(x.older, isWrong, "actors have a record that is older than their events in the log",
		"the records were put back to an older copy: what these actors have done since is lost, and their next event tells of a gap", nil)
	add(x.unheard, isNote, "durable subscribers have read events that the log no longer has",
		"they are too old to be kept, or the log was put back to an older copy", nil)
	add(x.behind, isWrong, "durable subscriptions have not got the last event in the log",
		"told of it once more, they read what they have missed; if a subscriber fails, its host logs why", x.tell)
	if x.index == nil {
		add(x.unindexed, isWrong, "durable subscriptions wake nobody, for their index is gone",
			"the next host that starts makes it; then repair", nil)
	} else {
		add(x.unindexed, isWrong, "durable subscriptions wake nobody, for the index does not have them", "", x.enter)
	}
	add(x.parked, isNote, "actors have scheduled runs that were given up", "troupe schedule ls --parked shows why", nil)
	add(x.stuck, isNote, "actors have workflows that are stuck, or with a step that fails", "troupe stuck shows why", nil)
	add(x.orphaned, isNote, "actors were last on a host that is gone", "the next call to one takes it over", nil)
	return found
}

// tell tells subscribers of the last events in the log.
func (x *examination) tell(ctx context.Context) error {
	for _, s := range x.told {
		_, err := x.invoke(ctx, troupe.Invocation{ID: s.subscriber, Action: wire.NoticeAction, Existing: true, In: wire.Notice{
			Source: s.source.Tokens(), Event: s.event, Sequence: s.last.Sequence,
			Last: map[string]wire.Position{s.event: wire.Position(s.last.Place.Position)},
		}})
		if err != nil && !errors.Is(err, troupe.ErrNotFound) {
			return fmt.Errorf("telling %s of %s of %s: %w", actorText(s.subscriber), s.event, actorText(s.source), err)
		}
	}
	return nil
}

// enter enters subscriptions in the index.
func (x *examination) enter(ctx context.Context) error {
	for _, s := range x.missing {
		if err := x.index.Add(ctx, s.source, s.event, s.subscriber); err != nil {
			return err
		}
	}
	return nil
}

// journals looks for journals of hosts that are gone.
func (x *examination) journals(ctx context.Context) ([]finding, error) {
	if x.records == nil {
		return nil, nil
	}
	journals, err := store.FindJournals(ctx, x.records, x.namespace)
	if err != nil || journals == nil {
		return nil, err
	}
	hosts, err := journals.Unfinished(ctx)
	left := slices.DeleteFunc(hosts, func(host string) bool { _, up := x.hosts[host]; return up })
	if err != nil || len(left) == 0 {
		return nil, err
	}
	return []finding{{
		Level:  isNote,
		Text:   fmt.Sprintf("%d hosts that are gone may have left changes in their journals, which the records lack", len(left)),
		Remedy: "the next call to one of their actors brings them in",
		repair: func(ctx context.Context) error {
			for _, host := range left {
				if err := journals.Recover(ctx, host); err != nil {
					return err
				}
			}
			return nil
		},
	}}, nil
}
