package main

import (
	"time"

	"github.com/troupe-go/troupe/internal/store"
)

// listed is one actor of the list.
type listed struct {
	Type     string     `json:"type"`
	Key      string     `json:"key"` // as the verbs take it
	Parts    []string   `json:"parts"`
	Host     listedHost `json:"host"`
	State    int        `json:"state_bytes"`
	Modified time.Time  `json:"modified"`
	Error    string     `json:"error,omitempty"` // why the record cannot be read
}

// listedActor is what a record tells of an actor, or why it cannot be read.
func listedActor(one store.ListedRecord, damage error, hosts map[string]store.HostEntry) listed {
	actor := listed{
		Type: one.ID.Type(), Key: one.ID.KeyString(), Parts: append([]string{}, one.ID.Key()...),
		State: len(one.State), Modified: one.Modified,
		Host: listedHost{ID: one.Owner},
	}
	if host, up := hosts[one.Owner]; up {
		actor.Host.Name, actor.Host.Up = host.Name, true
	}
	if damage != nil {
		actor.Error = damage.Error()
	}
	return actor
}
