package actorhost

import (
	"slices"
	"time"

	"github.com/troupe-go/troupe/actorhost/internal/commit"
	"github.com/troupe-go/troupe/internal/dedup"
	"github.com/troupe-go/troupe/internal/record"
)

// effects are what a turn does besides changing the state. They count only if the turn succeeds.
type effects struct {
	events         []*commit.Event // in order of emission
	direct         []directEvent   // those events that are for one connection
	changes        []record.Change // of the record
	disconnections []disconnection // connections to end
	undo           []func()        // takes back what took effect at once, if the turn fails; the newest first
	destroy        bool
	requestID      string            // of a turn without an identity
	nested         map[dedup.Key]int // how many calls of a kind the turn has made
	flow           bool              // the workflow may go on
	schedules      *scheduleEffects  // nil if the turn has not scheduled anything
	follows        map[string]bool   // the actors that the turn subscribes to durably, beside those that are stored
	items          *record.SetItems  // among the changes; nil if there are none
	told           []func()          // sends what the turn tells others
	toldBytes      int
}

// directEvent is an event for one connection.
type directEvent struct {
	event *commit.Event
	to    *Connection
}

// disconnection is a connection that the actor ends.
type disconnection struct {
	connection *Connection
	reason     string
}

// scheduleEffects is what a turn does to the schedules of its actor. The changes of the record are among those of the turn.
type scheduleEffects struct {
	volatile []record.Change            // of what is kept in memory
	pending  map[string]pendingSchedule // what the turn has made of each name
	count    int                        // of schedules with the turn's
	bytes    int64                      // of the record
}

// pendingSchedule is what there is under a name once the turn has succeeded.
type pendingSchedule struct {
	one      *record.Scheduled // nil: nothing
	volatile bool
	unparked bool
}

// addEvent adds an event for all subscribers, or for one connection.
func (e *effects) addEvent(event *commit.Event, to *Connection) {
	if to != nil {
		e.direct = append(e.direct, directEvent{event, to})
	} else {
		event.Again = e.hasBroadcast(event.Event)
		e.changes = append(e.changes, &event.Broadcast)
	}
	e.events = append(e.events, event)
}

// hasBroadcast reports whether the turn has broadcast an event of this name.
func (e *effects) hasBroadcast(name string) bool {
	for _, event := range slices.Backward(e.events) { // most often the last one matches
		if event.Subject == "" && event.Event == name {
			return true
		}
	}
	return false
}

// result is the outcome of a turn.
type result struct {
	commit.Changes
	events         []*commit.Event
	direct         []directEvent
	disconnections []disconnection
	schedules      *scheduleEffects
	told           []func()
	destroyed      bool
	flow           bool          // the workflow may go on
	called         bool          // it has made calls
	misread        bool          // the input is for another program
	ended          time.Duration // on the host's clock
}
