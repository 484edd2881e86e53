package wire

import (
	"strconv"
	"strings"

	"github.com/troupe-go/troupe"
)

// TurnKind says what a turn, or what else runs, is for.
type TurnKind string

// The kinds of turns.
const (
	TurnAction   TurnKind = "action"   // a call
	TurnSchedule TurnKind = "schedule" // a run of a schedule, counted as the action that it runs
	TurnQueue    TurnKind = "queue"    // a message of a queue
	TurnEvent    TurnKind = "event"    // the handler of an event, live or durable
	TurnHook     TurnKind = "hook"     // create, wake, sleep, connect, disconnect or gap
	TurnLoop     TurnKind = "loop"     // a turn of a run loop
	TurnStep     TurnKind = "step"     // a step of a workflow: it runs beside the turns
	TurnWake     TurnKind = "wake"     // no turn yet: the actor is about to wake
)

// HostFigures are the figures of a host since its start, on the subject of [Namespace.Figures].
type HostFigures struct {
	ID      string            `json:"id"`
	Started int64             `json:"started"` // milliseconds since 1970
	Turns   []TurnFigures     `json:"turns"`
	Types   map[string]int    `json:"awake"` // actors, by type
	Mailbox int64             `json:"mailbox_bytes"`
	Waiting int               `json:"mailbox_calls"`
	Largest map[string]int64  `json:"largest_state"` // that was stored, in bytes, by type
	Stored  Spread            `json:"stored"`        // how long answers waited until what they tell of was stored
	Woken   map[string]Spread `json:"woken"`         // how long actors took to wake: created, woken, taken_over
	Oldest  *RunningTurn      `json:"oldest,omitempty"`

	Repeated  int64 `json:"repeated"`       // calls that were answered as they were before
	Dropped   int64 `json:"dropped_events"` // by subscriptions of actors
	Lost      int64 `json:"lost_leases"`
	Conflicts int64 `json:"store_conflicts"` // states that were not stored because another host had written
}

// TurnFigures are the figures of the turns of one kind and name, of one actor type.
type TurnFigures struct {
	Type  string   `json:"type"`
	Kind  TurnKind `json:"kind"`
	Name  string   `json:"name"`
	Calls int64    `json:"calls"` // that ran or were refused
	// Errors are those that hosts make, by their codes; Own those that actors return on purpose, which are no faults.
	Errors map[string]int64 `json:"errors,omitempty"`
	Own    map[string]int64 `json:"own_errors,omitempty"`
	Total  Spread           `json:"total"` // from the arrival of a call until its answer leaves
	Wait   Spread           `json:"wait"`  // from the arrival until the turn begins
	Run    Spread           `json:"run"`   // the turn
}

// RunningTurn is what an actor does at the moment.
type RunningTurn struct {
	Actor     string   `json:"actor"` // as tokens of a subject: troupe.ID.Tokens
	Kind      TurnKind `json:"kind"`
	Name      string   `json:"name,omitempty"`
	RequestID string   `json:"request_id,omitempty"`
	Since     int64    `json:"since"`  // milliseconds since 1970
	For       int64    `json:"for_ms"` // by the clock of its host
}

// RecentTurn is a turn that has failed or was slow, or a call that was refused.
type RecentTurn struct {
	Actor     string   `json:"actor"` // as tokens of a subject: troupe.ID.Tokens
	Kind      TurnKind `json:"kind"`
	Name      string   `json:"name"`
	RequestID string   `json:"request_id,omitempty"`
	At        int64    `json:"at"` // when it ended: milliseconds since 1970
	Wait      float64  `json:"wait_ms"`
	Run       float64  `json:"run_ms"`
	Code      string   `json:"code,omitempty"`
	Error     string   `json:"error,omitempty"`
}

// HostRecent is what has happened on a host lately, the newest first, on the subject of [Namespace.Recent].
type HostRecent struct {
	Failed []RecentTurn `json:"failed"` // with an error that a host has made
	Own    []RecentTurn `json:"own"`    // with an error that the actor returns on purpose
	Slow   []RecentTurn `json:"slow"`
}

// AwakeQuery asks for actors that are awake, or for what runs.
type AwakeQuery struct {
	Type   string `json:"type,omitempty"`      // only of this type
	Longer *int64 `json:"longer_ms,omitempty"` // only what runs for so long at least, the longest first: there is no next page
	Limit  int    `json:"limit,omitempty"`     // 100, at most 1,000
	Next   string `json:"next,omitempty"`      // where to go on: of the page before
}

// AwakePage is a page of actors that are awake, on the subject of [Namespace.Awake]. One that is awake all the time is on
// one of the pages; one that is not may be missing, or be on two.
type AwakePage struct {
	Actors []AwakeActor `json:"actors"`
	Next   string       `json:"next,omitempty"` // empty: there are no more
	Left   int          `json:"left,omitempty"` // how many run for as long, beside those of the page
}

// AwakeActor is an actor that is awake.
type AwakeActor struct {
	Actor       string       `json:"actor"` // as tokens of a subject: troupe.ID.Tokens
	Waiting     int          `json:"waiting"`
	Connections int          `json:"connections,omitempty"`
	Running     *RunningTurn `json:"running,omitempty"` // null: nothing
	Beside      int          `json:"beside,omitempty"`  // read-only actions that run beside it
}

// ActorStack says what an actor does, on the subject of [Namespace.Stack].
type ActorStack struct {
	Running []RunningStack `json:"running"`
}

// RunningStack is what runs, and where it is.
type RunningStack struct {
	RunningTurn
	Stack string `json:"stack"` // as Go prints it
}

// Figures is the subject on which a host tells its figures: a request without a body, answered with [HostFigures].
func (n Namespace) Figures(host string) string { return n.name + ".host." + host + ".figures" }

// Recent is the subject on which a host tells what has failed lately: a request without a body, answered with [HostRecent].
func (n Namespace) Recent(host string) string { return n.name + ".host." + host + ".recent" }

// Awake is the subject on which a host lists actors: a request with an [AwakeQuery], or without a body, answered with an
// [AwakePage].
func (n Namespace) Awake(host string) string { return n.name + ".host." + host + ".awake" }

// Stack is the subject on which a host tells where an actor is that runs: a request without a body, answered with an
// [ActorStack].
func (n Namespace) Stack(host string, id troupe.ID) string {
	return n.name + ".host." + host + ".stack." + id.Tokens()
}

// Cursor is a place in the list of a type, as [AwakePage].Next has it.
type Cursor struct {
	Type  string
	Place int
}

// String implements fmt.Stringer.
func (c Cursor) String() string { return c.Type + "/" + strconv.Itoa(c.Place) }

// ParseCursor is the reverse of [Cursor.String].
func ParseCursor(text string) (c Cursor, ok bool) {
	actorType, place, ok := strings.Cut(text, "/")
	n, err := strconv.Atoi(place)
	return Cursor{actorType, n}, ok && err == nil && n >= 0
}
