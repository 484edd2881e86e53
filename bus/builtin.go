package bus

import "github.com/troupe-go/troupe"

// Actions that every actor type has, beside those of package troupe. They are between hosts and clients.
const (
	// PositionAction tells the [troupe.Position] of the last event that an actor has broadcast under the name that is its
	// input: zero if there is none. It wakes nobody.
	PositionAction = "_position"
	// NoticeAction tells an actor that there may be news for a durable subscription of it: see [Notice]. It is answered
	// once they are handled and what that has changed is stored, and with troupe.CodeNotFound by an actor that has no
	// such subscription.
	NoticeAction = "_notice"
)

// Notice is the input of [NoticeAction]: an event of the source is in the log at this sequence.
type Notice struct {
	Source   string `json:"source"` // the tokens of its ID
	Event    string `json:"event"`
	Sequence uint64 `json:"sequence"`
}

// Builtin reports whether an action is one that every actor type has.
func Builtin(action string) bool {
	switch action {
	case troupe.CreateAction, troupe.SleepAction, PositionAction, NoticeAction:
		return true
	}
	return false
}
