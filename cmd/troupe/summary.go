package main

import (
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/store"
)

// actorSummary is an actor as ls lists it. The output of info begins with it.
type actorSummary struct {
	Type     string    `json:"type"`
	Key      string    `json:"key"` // as the verbs take it
	Parts    []string  `json:"parts"`
	Host     hostRef   `json:"host"`
	State    int       `json:"state_bytes"`
	Modified time.Time `json:"modified"`
	Parked   int       `json:"parked,omitempty"` // scheduled runs that were given up
	Error    string    `json:"error,omitempty"`  // why the record cannot be read

	Workflow troupe.WorkflowStatus `json:"workflow,omitempty"`
}

// summarize returns what a record says about an actor, or why it cannot be read.
func summarize(one store.ListedRecord, damage error, hosts map[string]store.HostEntry) actorSummary {
	actor := actorSummary{
		Type: one.ID.Type(), Key: keyText(one.ID), Parts: append([]string{}, one.ID.Key()...),
		State: len(one.State), Modified: one.Modified,
		Host: hostRef{ID: one.Owner},
	}
	if host, up := hosts[one.Owner]; up {
		actor.Host.Name, actor.Host.Up = host.Name, true
	}
	if damage != nil {
		actor.Error = damage.Error()
	} else if parts, err := one.Open(); err == nil {
		actor.Parked = len(parts.Schedules().Parked())
		if stored := parts.Workflow(); stored != nil && stored.Name != "" {
			actor.Workflow = stored.Status()
		}
	}
	return actor
}
