package look

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
)

// StuckKind says what is stuck.
type StuckKind string

// What can be stuck.
const (
	StuckSchedule StuckKind = "schedule"
	StuckWorkflow StuckKind = "workflow"
	StuckQueue    StuckKind = "queue"
)

// Stuck is something that does not go on by itself.
type Stuck struct {
	Kind   StuckKind `json:"kind"`
	Type   string    `json:"type"`
	Key    string    `json:"key"`            // as [KeyText] has it
	Name   string    `json:"name"`           // of the schedule, the workflow or the queue
	Step   string    `json:"step,omitempty"` // of the workflow that fails
	Since  time.Time `json:"since"`
	Tries  int       `json:"tries"`
	Reason string    `json:"reason"`
	Dead   uint64    `json:"dead,omitempty"` // letters of the queue
	Remedy string    `json:"remedy"`         // what to type
}

// failsOften is how often a step has failed that is shown as stuck, though it is tried again.
const failsOften = 20

// Stuck reads all records of a type, or of all types, and the dead letters of queues. It returns what is stuck, the oldest first, and
// how many records cannot be decoded.
func (l *Looker) Stuck(ctx context.Context, actorType string) (all []Stuck, damaged int, err error) {
	found := make(map[troupe.ID][]Stuck)
	damaged, err = l.eachRecord(ctx, actorType, func(id troupe.ID, parts *record.Parts) {
		delete(found, id) // a record that is written meanwhile comes twice
		if lines := StuckOf(id, parts, StuckSchedule, StuckWorkflow); len(lines) > 0 {
			found[id] = lines
		}
	})
	if err != nil {
		return nil, damaged, err
	}
	for _, lines := range found {
		all = append(all, lines...)
	}
	queues, err := l.stuckQueues(ctx, actorType)
	if err != nil {
		return nil, damaged, err
	}
	all = append(all, queues...)
	slices.SortFunc(all, func(a, b Stuck) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Key, b.Key), cmp.Compare(a.Name, b.Name),
			cmp.Compare(a.Step, b.Step))
	})
	return all, damaged, nil
}

// eachRecord reads all records of a type, or of all types, and returns how many cannot be decoded.
func (l *Looker) eachRecord(ctx context.Context, actorType string, each func(troupe.ID, *record.Parts)) (damaged int, err error) {
	records, err := l.Records(ctx)
	if err != nil || records == nil {
		return 0, err
	}
	defer func() { _ = records.Close() }() // no write is in flight
	for one, err := range records.List(ctx, actorType) {
		var parts record.Parts
		if err == nil {
			parts, err = one.Open()
		}
		switch {
		case errors.Is(err, record.ErrCorrupt):
			damaged++
		case err != nil:
			return damaged, fmt.Errorf("listing the actors: %w", err)
		default:
			each(one.ID, &parts)
		}
	}
	return damaged, nil
}

// Records opens the records of the namespace, or returns nil if no host has run yet. The caller closes them.
func (l *Looker) Records(ctx context.Context) (*store.Records, error) {
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	return store.FindRecords(ctx, l.nc, l.namespace)
}

// stuckQueues are those that have dead letters.
func (l *Looker) stuckQueues(ctx context.Context, actorType string) (lines []Stuck, err error) {
	counts, err := store.QueueCounts(ctx, l.nc, l.namespace, actorType)
	if err != nil {
		return nil, err
	}
	for _, one := range counts {
		if one.Dead == 0 {
			continue
		}
		line := Stuck{
			Kind: StuckQueue, Type: one.Actor.Type(), Key: KeyText(one.Actor), Name: one.Queue, Dead: one.Dead,
			Remedy: fmt.Sprintf("troupe queue dead %s %s %s", one.Actor.Type(), keyArgument(one.Actor), one.Queue),
		}
		for oldest, err := range store.DeadMessages(ctx, l.nc, l.namespace, l.namespace.Dead(one.Actor, one.Queue, "*")) {
			if err != nil {
				return nil, err
			}
			line.Since, line.Tries, line.Reason = oldest.Stored, oldest.Attempts(), oldest.Failure()
			break
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// StuckOf is what is stuck of these kinds by the record of an actor.
func StuckOf(id troupe.ID, parts *record.Parts, kinds ...StuckKind) (lines []Stuck) {
	line := Stuck{Type: id.Type(), Key: KeyText(id)}
	if slices.Contains(kinds, StuckSchedule) {
		for _, parked := range parts.Schedules().Parked() {
			one := &parked.Run
			line.Kind, line.Name, line.Tries, line.Reason = StuckSchedule, one.Name, one.Attempts, one.Error
			line.Since = time.UnixMilli(one.At()).UTC()
			line.Remedy = fmt.Sprintf("troupe schedule retry %s %s %s", id.Type(), keyArgument(id), one.Name)
			lines = append(lines, line)
		}
	}
	stored := parts.Workflow()
	if stored == nil || stored.Name == "" || !slices.Contains(kinds, StuckWorkflow) {
		return lines
	}
	line.Kind, line.Name = StuckWorkflow, stored.Name
	line.Remedy = fmt.Sprintf("troupe workflow retry %s %s", id.Type(), keyArgument(id))
	run := stored.ShowHead()
	if run.Status == troupe.WorkflowStuck {
		line.Since, line.Tries, line.Reason = run.Since, run.Tries, run.Reason
		return append(lines, line)
	}
	for i := range run.Waits {
		if wait := &run.Waits[i]; wait.Attempts >= failsOften {
			line.Step, line.Since, line.Tries, line.Reason = wait.Name, wait.Since, wait.Attempts, wait.Error
			lines = append(lines, line)
		}
	}
	return lines
}

// keyArgument is a key as it is typed.
func keyArgument(id troupe.ID) string { return cmp.Or(KeyText(id), `""`) }
