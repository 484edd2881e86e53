package wire

import (
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
)

// An alarm is a message that the server publishes at its time on the subject of what is due (ADR-51). An actor has one at most:
// it rings for the earliest of its schedules. The body is when that is due, in milliseconds since 1970.

// Alarm is the subject of an actor's alarm in its stream.
func (n Namespace) Alarm(id troupe.ID) string { return n.name + ".alarm." + id.Tokens() }

// Due is the subject on which the alarm of an actor rings.
func (n Namespace) Due(id troupe.ID) string { return n.name + ".due." + id.Tokens() }

// DueType matches what rings for the actors of a type, which has one with an empty key.
func (n Namespace) DueType(actorType string) []string {
	one := n.name + ".due." + actorType
	return []string{one, one + ".>"}
}

// ParseDue parses such a subject, and checks the ID.
func (n Namespace) ParseDue(subject string) (troupe.ID, bool) { return n.parseOwn(subject, ".due.") }

// ParseAlarm parses the subject of an alarm, and checks the ID.
func (n Namespace) ParseAlarm(subject string) (troupe.ID, bool) {
	return n.parseOwn(subject, ".alarm.")
}

// parseOwn parses a subject that an actor has to itself.
func (n Namespace) parseOwn(subject, kind string) (troupe.ID, bool) {
	tokens, ok := strings.CutPrefix(subject, n.name+kind)
	id, err := troupe.ParseID(tokens)
	return id, ok && err == nil
}

// The headers with which a message is scheduled.
const (
	HeaderSchedule       = "Nats-Schedule"
	HeaderScheduleTarget = "Nats-Schedule-Target"
)

// latestSchedule is near the last time that the server knows: it counts nanoseconds since 1970, and what is later would come at once.
var latestSchedule = time.Date(2262, 1, 1, 0, 0, 0, 0, time.UTC)

// ScheduleAt is the [HeaderSchedule] of a message that comes at a time. What is later than 2262 comes then.
func ScheduleAt(at time.Time) string {
	if at.After(latestSchedule) {
		at = latestSchedule
	}
	return "@at " + at.UTC().Format(time.RFC3339Nano)
}

// AlarmHeader has an alarm ring at a time.
func (n Namespace) AlarmHeader(id troupe.ID, ring time.Time) nats.Header {
	return nats.Header{
		HeaderSchedule:       {ScheduleAt(ring)},
		HeaderScheduleTarget: {n.Due(id)},
	}
}

// Rang is the input of [DueAction].
type Rang struct {
	At       int64  `json:"at"`              // for which the alarm was
	Sequence uint64 `json:"seq"`             // of the ring in the stream of alarms
	Wake     bool   `json:"wake,omitempty"`  // something is due, as the record says
	Again    bool   `json:"again,omitempty"` // a host that had the ring before may have died
}

// AlarmBody is the body of an alarm.
func AlarmBody(at int64) []byte { return strconv.AppendInt(nil, at, 10) }

// ParseAlarmBody reads the body of an alarm. One that is none was due long ago.
func ParseAlarmBody(body []byte) int64 {
	at, _ := strconv.ParseInt(string(body), 10, 64)
	return at
}
