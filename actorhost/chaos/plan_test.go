//go:build chaos && unix

package chaos_test

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/wire"
)

// alarmFaults are those of alarms, beside what else may happen.
var alarmFaults = []fault{
	{"a host is killed before it sets an alarm", killAt("before_alarm")},
	{"a host is killed before it acks a ring", killAt("before_ack")},
	{"a host is frozen before it sets an alarm until its lease is over", freezeAt("before_alarm")},
	{"a host is frozen before it acks a ring until its lease is over", freezeAt("before_ack")},
}

// planFaults are as many of each kind, so that alarms have their share.
var planFaults = slices.Concat(faults, alarmFaults, alarmFaults)

// TestChaosSchedules has clients schedule actions of planners while faults happen: once, again and again, under names that are moved
// and cancelled, in turns and from outside. In the end each schedule that was acknowledged must have run once, not early, and
// none that was cancelled or destroyed.
func TestChaosSchedules(t *testing.T) {
	t.Parallel()
	eachSeed(t, "plans", planFaults, runPlans)
}

// runPlans plans while the faults of a scenario happen, waits until nothing is due any more, and counts.
func runPlans(t *testing.T, sc scenario) findings {
	t.Helper()
	s := begin(t, sc.servers, sc.name+".log", sc.env...)
	defer s.end()
	var ids atomic.Int32
	var schemers []*schemer
	var runs []clientRun
	for i, cl := range s.connect(planClients) {
		c := &schemer{number: i, client: cl, ids: &ids, random: rand.New(rand.NewPCG(sc.seed, uint64(2000+i)))}
		schemers = append(schemers, c)
		runs = append(runs, func(ctx, give context.Context) { c.run(ctx, give, cmp.Or(sc.planners, plannersOfEach)) })
	}
	s.run(sc, 4, runs)
	found := findings{faults: slices.Clone(s.found)}
	if late := awaitPlans(schemers, cmp.Or(sc.settling, settling)); len(late) > 0 {
		found.faults = append(found.faults, late...)
		s.showAlarms()
	}
	y := new(planYield)
	var all []*planned
	for _, c := range schemers {
		c.conclude(t, y)
		found.faults = append(found.faults, c.faults...)
		for _, p := range c.planners {
			all = append(all, p.plans...)
		}
	}
	t.Logf("%s; plans: %s", y, save(t, all, sc.name+".jsonl"))
	return found
}

// awaitPlans waits until no planner has anything that is due. What is overdue for so long is lost.
func awaitPlans(schemers []*schemer, most time.Duration) (faults []string) {
	ctx, cancel := context.WithTimeout(context.Background(), soonest+most)
	defer cancel()
	for {
		var late []string
		for _, c := range schemers {
			for _, p := range c.planners {
				late = append(late, c.overdue(context.Background(), p)...)
			}
		}
		switch {
		case len(late) == 0:
			return nil
		case ctx.Err() != nil:
			return slices.DeleteFunc(late, func(text string) bool { return text == "" })
		}
		// Planners are in other processes: all there is to do is to ask again.
		time.Sleep(betweenAudits)
	}
}

// showAlarms logs what the server has of alarms and of rings.
func (s *system) showAlarms() {
	nc, err := nats.Connect(s.urls())
	require.NoError(s.t, err)
	defer nc.Close()
	js, err := jetstream.New(nc)
	require.NoError(s.t, err)
	stream, err := js.Stream(s.t.Context(), "troupe-due")
	if err != nil {
		s.t.Log(err)
		return
	}
	info, err := stream.Info(s.t.Context(), jetstream.WithSubjectFilter(">"))
	require.NoError(s.t, err)
	for subject := range info.State.Subjects {
		msg, err := stream.GetLastMsgForSubject(s.t.Context(), subject)
		if err == nil && wire.ParseAlarmBody(msg.Data) < time.Now().UnixMilli() {
			fmt.Fprintln(s.log, "kept:", subject, msg.Sequence, msg.Time.UTC(), msg.Header, string(msg.Data))
		}
	}
	for consumer := range stream.ListConsumers(s.t.Context()).Info() {
		s.t.Logf("the feed %s: %d are to be acked, %d wait, %d hosts ask; %d messages are kept, of %d subjects",
			consumer.Name, consumer.NumAckPending, consumer.NumPending, consumer.NumWaiting, info.State.Msgs, len(info.State.Subjects))
	}
}

// conclude ends what recurs, and compares what planners have done with what they were to do.
func (c *schemer) conclude(t *testing.T, y *planYield) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), settling)
	defer cancel()
	for _, p := range c.planners {
		for _, name := range []string{ticking, anchor} {
			c.cancel(ctx, p, name, false)
		}
	}
	// What is cancelled must not run any more: no event tells that it does not.
	time.Sleep(time.Second)
	for _, p := range c.planners {
		if len(p.plans) == 0 {
			continue
		}
		runs, err := chimes.Call(ctx, troupe.GetOrCreate[planner](c.client, p.key), nil)
		if err != nil {
			c.findf("reading planner %s: %v", p.key, err)
			continue
		}
		for _, fault := range checkPlans(p.key, p.life, p.plans, runs, y) {
			c.findf("%s", fault)
		}
	}
}
