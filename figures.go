package troupe

// Figure is a number that a host tells about itself: see actorhost.Host.Figures. It is what packages of metrics need, without their
// dependencies.
type Figure struct {
	Name   string   // one of [Figures]
	Labels []string // names and values in turns; never the key of an actor
	Value  float64
}

// KnownFigure says what a [Figure] is.
type KnownFigure struct {
	About  string
	Unit   string // as UCUM has it
	Counts bool   // it counts since the start of the host; else it is of the moment
}

// Figures are those that there are, by name.
var Figures = map[string]KnownFigure{
	"troupe.actors.awake":  {About: "Actors in memory, by troupe.actor.type.", Unit: "{actor}"},
	"troupe.mailbox.size":  {About: "What waits in the mailboxes of all actors.", Unit: "By"},
	"troupe.mailbox.calls": {About: "What waits in the mailboxes of all actors: calls, events, messages.", Unit: "{call}"},
	"troupe.state.largest": {About: "The largest state that the host has stored, by troupe.actor.type.", Unit: "By"},
	"troupe.turn.oldest":   {About: "For how long runs what runs for the longest time.", Unit: "s"},
	"troupe.turns": {
		About: "Turns that ran, and calls that were refused, by troupe.actor.type, troupe.turn.kind and troupe.turn.name.",
		Unit:  "{turn}", Counts: true,
	},
	"troupe.errors": {
		About: "Errors of those, also by error.type and, with the value true, troupe.error.own: actors return these on purpose.",
		Unit:  "{error}", Counts: true,
	},
	"troupe.store.waits": {
		About: "Answers that have waited until what they tell of was stored.", Unit: "{answer}", Counts: true,
	},
	"troupe.store.wait": {About: "How long they have waited together.", Unit: "s", Counts: true},
	"troupe.wakes": {
		About: "Actors that have woken, by troupe.wake: created, woken, taken_over.", Unit: "{actor}", Counts: true,
	},
	"troupe.wake.time": {About: "How long that took together.", Unit: "s", Counts: true},
	"troupe.answers.repeated": {
		About: "Calls that came again, and were answered as before.", Unit: "{call}", Counts: true,
	},
	"troupe.events.dropped": {
		About: "Events that were dropped because too many waited for their handlers: a gap was told.", Unit: "{event}", Counts: true,
	},
	"troupe.leases.lost": {About: "Leases that the host has lost, and its actors with them.", Unit: "{lease}", Counts: true},
	"troupe.store.conflicts": {
		About: "States that were not stored because another host had written.", Unit: "{state}", Counts: true,
	},
	"troupe.calls.resent":      {About: "Calls that actors have sent again.", Unit: "{call}", Counts: true},
	"troupe.loops.failed":      {About: "Failures of run loops, which run again.", Unit: "{failure}", Counts: true},
	"troupe.loops.waiting":     {About: "Actors whose run loop has failed and waits until it runs again.", Unit: "{actor}"},
	"troupe.schedules.gave_up": {About: "Scheduled runs that were given up.", Unit: "{run}", Counts: true},
	"troupe.queues.dead":       {About: "Messages of queues that became dead letters.", Unit: "{message}", Counts: true},
	"troupe.workflows.running": {About: "Workflows that go on and do not wait.", Unit: "{workflow}"},
	"troupe.workflows.stuck":   {About: "Workflows that were stuck.", Unit: "{workflow}", Counts: true},
}
