package wire

import (
	"slices"

	"github.com/troupe-go/troupe"
)

// Actions that every actor type has, beside those of package troupe. They are between hosts and clients.
const (
	// PositionAction tells the [troupe.Position] of the last event that an actor has broadcast under the name that is its
	// input: zero if there is none. It wakes nobody.
	PositionAction = "_position"
	// NoticeAction tells an actor that there may be news for a durable subscription of it: see [Notice]. It is answered
	// once they are handled and what that has changed is stored, and with troupe.CodeNotFound by an actor that has no
	// such subscription.
	NoticeAction = "_notice"
	// ConnectAction begins a connection, or goes on with one that the actor knows: its input is the parameters, its output
	// a [ConnectReply]. [HeaderConnection] and [HeaderInbox] name it. DisconnectAction ends one.
	ConnectAction    = "_connect"
	DisconnectAction = "_disconnect"
)

// ConnectReply is the output of [ConnectAction].
type ConnectReply struct {
	Host   string `json:"host"`
	Epoch  uint64 `json:"epoch"`  // of the activation that has the connection
	Number uint64 `json:"number"` // of the connection there: with another epoch or number it has begun anew
}

// What a host sends to a connection's inbox beside events: to INBOX.ID.NAME, and PingName to INBOX.NAME.
const (
	// PingName asks a client whether it is there. Its reply lists the connections that it has given up.
	PingName = "_ping"
	// SentName comes to a connection that goes on, with the map of the positions of the last events that were sent to it
	// alone, by name.
	SentName = "_sent"
	// ClosedName says that a connection has ended, with a [Closed].
	ClosedName = "_closed"
)

// Closed is why a connection has ended.
type Closed struct {
	Again  bool   `json:"again"` // the actor has merely gone to sleep or to another host: connect again
	Reason string `json:"reason"`
}

// Notice is the input of [NoticeAction]: an event of the source is in the log at this sequence.
type Notice struct {
	Source   string `json:"source"` // the tokens of its ID
	Event    string `json:"event"`
	Sequence uint64 `json:"sequence"`
}

// Builtins are the actions that every actor type has.
var Builtins = []string{
	troupe.CreateAction, troupe.SleepAction, troupe.DestroyAction,
	PositionAction, NoticeAction, ConnectAction, DisconnectAction,
}

// Builtin reports whether an action is one of [Builtins].
func Builtin(action string) bool {
	return action != "" && action[0] == '_' && slices.Contains(Builtins, action)
}
