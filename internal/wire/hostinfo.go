package wire

import (
	"strings"

	"github.com/troupe-go/troupe"
)

// HostInfo is what a host says about itself, on the subject of [Namespace.Info]. The counters start with the host.
type HostInfo struct {
	ID       string `json:"id"`
	Awake    int    `json:"awake"`         // actors
	Calls    int64  `json:"calls"`         // that ran or were refused
	Failed   int64  `json:"failed"`        // of those, the ones that failed
	GivenUp  int64  `json:"given_up"`      // scheduled runs
	Dead     int64  `json:"dead"`          // messages of queues that became dead letters
	Runs     int64  `json:"workflows"`     // that go on at the moment, and do not wait
	Stuck    int64  `json:"stuck"`         // workflows that were
	Loops    int64  `json:"loop_failures"` // of run loops, which run again
	SetBack  int    `json:"loops_waiting"` // actors whose run loop has failed, and waits until it runs again
	Stopping bool   `json:"stopping"`      // its actors move to other hosts
	// Tenants are those with the most calls that wait, the most actors awake and the most bytes stored, if any of it is limited.
	Tenants []TenantInfo `json:"tenants,omitempty"`

	Types  map[string]int   `json:"types,omitempty"`      // how many of the actors that are awake are of each type
	Errors map[string]int64 `json:"errors,omitempty"`     // of those that failed, by code: errors that hosts make
	Own    map[string]int64 `json:"own_errors,omitempty"` // the same, of errors that actors return on purpose
	Oldest *RunningTurn     `json:"oldest,omitempty"`     // what runs for the longest time at the moment
}

// TenantInfo is what a host says about one tenant.
type TenantInfo struct {
	Tenant      string `json:"tenant"`
	Awake       int    `json:"awake"`       // actors
	Connections int64  `json:"connections"` // with them
	Waiting     int64  `json:"waiting"`     // calls
	Bytes       int64  `json:"bytes"`       // of these
	Stored      int64  `json:"stored"`      // bytes, about; 0 if they are not counted
	Refused     int64  `json:"refused"`     // what was more than the tenant may have
}

// ActorInfo is what a host says about one of its actors, on the subject of [Namespace.ActorInfo].
type ActorInfo struct {
	Awake   bool `json:"awake"`
	Waiting int  `json:"waiting"` // calls and events in its mailbox
	// Running is what it does at the moment; null: nothing.
	Running *RunningTurn `json:"running,omitempty"`
	Beside  int          `json:"beside,omitempty"`  // read-only actions that run beside it
	Streams int          `json:"streams,omitempty"` // that it produces
	// Loop says what its run loop does, if the actor is awake and has one.
	Loop *LoopInfo `json:"loop,omitempty"`

	Connections int              `json:"connections,omitempty"`        // of programs
	Latest      []ConnectionInfo `json:"latest_connections,omitempty"` // the newest of them first, 20 at most
}

// ConnectionInfo is what a host says about a connection with an actor. What names it is left out: whoever knows that can use it.
type ConnectionInfo struct {
	Number uint64 `json:"number"` // in order of arrival, from 1 when the actor wakes
	Since  int64  `json:"since"`  // milliseconds since 1970
	From   string `json:"from"`   // the inbox of its program, without the last token
}

// LoopInfo is what a host says about the run loop of an actor.
type LoopInfo struct {
	State  LoopState `json:"state"`
	Until  int64     `json:"until,omitempty"`  // when it runs again, if it has failed: milliseconds since 1970
	Failed int       `json:"failed,omitempty"` // how often in a row
	Error  string    `json:"error,omitempty"`  // of the last time
}

// LoopState is what a run loop does.
type LoopState string

// The states of a run loop.
const (
	LoopStarts LoopState = "starts" // it waits until somebody would wake the actor elsewhere, or for the lease
	LoopRuns   LoopState = "runs"
	LoopWaits  LoopState = "waits" // it has failed, and runs again
	LoopEnded  LoopState = "ended" // until the actor wakes the next time
)

// Info is the subject on which a host describes itself: a request without a body, answered with a [HostInfo].
func (n Namespace) Info(host string) string { return n.name + ".host." + host + ".info" }

// ActorInfo is the subject on which a host describes an actor that it owns: a request without a body, answered with an
// [ActorInfo].
func (n Namespace) ActorInfo(host string, id troupe.ID) string {
	return n.Info(host) + "." + id.Tokens()
}

// Drain is the subject on which a host is asked to stop cleanly. It replies with an empty body before it stops.
func (n Namespace) Drain(host string) string { return n.name + ".host." + host + ".drain" }

// Stores is the subject on which a host tells all others where it keeps its actors. No host has the id "all".
func (n Namespace) Stores() string { return n.name + ".host.all.store" }

// RecordsReplaced is the subject on which hosts tell all listeners that the records of actors were lost, or put back to an older
// copy: an empty message, from each host, twice. What an actor broadcast last is then to be asked for.
func (n Namespace) RecordsReplaced() string { return n.name + ".replaced.actors" }

// TypeInfo is what a host says about an actor type that it runs, on the subject of [Namespace.TypeInfo].
type TypeInfo struct {
	// Actions are those that the program has for the type, with _create and _connect if it has a hook for them. The value
	// tells what the action takes: it is the same for two programs if they take the same.
	Actions map[string]string `json:"actions"`
	Queues  map[string]string `json:"queues,omitempty"` // the same of queues
	Events  []string          `json:"events"`           // the durable events that it has handlers for, as TYPE.EVENT
}

// TypeInfo is the subject on which a host describes a type that it runs: a request without a body, answered with a
// [TypeInfo]. Of any other type it has no actions.
func (n Namespace) TypeInfo(host, actorType string) string {
	return n.name + ".host." + host + ".type." + actorType
}

// Takes is the subject on which a host says whether its program can take the input of an action, or of _create or _connect:
// a request with that, answered without a body.
func (n Namespace) Takes(host, actorType, action string) string {
	return n.name + ".host." + host + ".takes." + actorType + "." + action
}

// HostRequest says what a request to a host is, by its subject: "ping", "info", "drain", "batch", "store", "figures", "recent",
// "awake", "actor", "stack" or "neighbours" with the tokens of an ID that has not been checked, "type" or "contract" with the name of a
// type, "takes" with TYPE.ACTION, or "stream" with ID.NUMBER. It is empty for any other subject.
func (n Namespace) HostRequest(subject string) (request, tokens string) {
	rest, ok := strings.CutPrefix(subject, n.name+".host.")
	if !ok {
		return "", ""
	}
	_, rest, _ = strings.Cut(rest, ".")
	switch rest {
	case "ping", "info", "drain", "batch", "store", "figures", "recent", "awake":
		return rest, ""
	}
	switch request, tokens, _ = strings.Cut(rest, "."); request {
	case "info":
		return "actor", tokens
	case "type", "contract", "takes", "stack", "neighbours", "stream":
		return request, tokens
	}
	return "", ""
}
