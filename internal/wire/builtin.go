package wire

import (
	"slices"

	"github.com/troupe-go/troupe"
)

// Actions that every actor type has, beside those of package troupe. They are for hosts and clients.
const (
	// PositionAction returns the [troupe.Position] of the actor's last event with the name in its input: zero if there
	// is none. It does not wake the actor.
	PositionAction = "_position"
	// NoticeAction tells an actor that there may be news for one of its durable subscriptions: see [Notice]. The reply
	// comes when the news is handled and the changes are stored. The error is troupe.CodeNotFound when the actor has no
	// such subscription.
	NoticeAction = "_notice"
	// ConnectAction begins a connection, or continues one that the actor knows. Its input is the parameters, its output a
	// [ConnectReply]. [HeaderConnection] and [HeaderInbox] identify the connection. DisconnectAction ends one.
	ConnectAction    = "_connect"
	DisconnectAction = "_disconnect"
	// DueAction tells an actor that its alarm has rung: what is due runs. The reply comes when that is stored and the next alarm
	// stands. An actor for which nothing is due does not wake.
	DueAction = "_due"
	// QueuedAction hands a message of a queue to an actor: see [Queued]. The reply comes when that is handled and stored.
	QueuedAction = "_queued"
	// CancelAction says that nobody waits any more for the call with the same reply subject. There is no reply.
	CancelAction = "_cancel"
)

// ConnectReply is the output of [ConnectAction].
type ConnectReply struct {
	Host   string `json:"host"`
	Epoch  uint64 `json:"epoch"`  // of the activation with the connection
	Number uint64 `json:"number"` // of the connection there. If epoch or number differ from before, it has begun anew
}

// What a host sends to a connection's inbox beside events: to INBOX.ID.NAME, and PingName to INBOX.NAME.
const (
	// PingName asks a client whether it is there. The reply lists the connections that it has given up.
	PingName = "_ping"
	// SentName goes to a connection that continues. Its body is a map from event names to the positions of the last
	// events that were sent to this connection alone.
	SentName = "_sent"
	// ClosedName says that a connection has ended, with a [Closed].
	ClosedName = "_closed"
)

// Closed says why a connection has ended.
type Closed struct {
	Again  bool   `json:"again"` // the actor sleeps or moves to another host: connect again
	Reason string `json:"reason"`
}

// Notice is the input of [NoticeAction]: the log has an event of the source at this sequence.
type Notice struct {
	Source   string `json:"source"` // the tokens of its ID
	Event    string `json:"event"`
	Sequence uint64 `json:"sequence"`
	// Last has the newest position of each event that the notice tells of. With these the subscriber notices when its log
	// is not the one that it has read up to now.
	Last map[string]Position `json:"last,omitempty"`
	// Lost says that the log has lost what it does not have of these up to Sequence: there is no later event that tells.
	Lost bool `json:"lost,omitempty"`
	// Again says that a host that was told before may have died.
	Again bool `json:"again,omitempty"`
}

// Builtins are the actions that every actor type has.
var Builtins = []string{
	troupe.CreateAction, troupe.SleepAction, troupe.MoveAction, troupe.DestroyAction,
	troupe.ScheduleAction, troupe.UnscheduleAction, troupe.SchedulesAction, troupe.FireAction,
	troupe.ResultAction, troupe.WorkflowAction, troupe.CancelWorkflowAction, troupe.RetryWorkflowAction,
	PositionAction, NoticeAction, ConnectAction, DisconnectAction, DueAction,
	QueuedAction, troupe.DeadAction,
}

// Internal reports whether an action is one that programs and actors have not asked for.
func Internal(action string) bool {
	switch action {
	case PositionAction, NoticeAction, DueAction, QueuedAction, DisconnectAction:
		return true
	}
	return false
}

// Builtin reports whether an action is one of [Builtins].
func Builtin(action string) bool {
	return action != "" && action[0] == '_' && slices.Contains(Builtins, action)
}
