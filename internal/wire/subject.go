package wire

import (
	"strings"

	"github.com/troupe-go/troupe"
)

// DefaultNamespace is the namespace unless another one is configured: the first token of every subject, and the prefix
// of every bucket and stream.
const DefaultNamespace = "troupe"

// QueueGroup is the queue group in which the hosts of an actor type share its route subjects.
const QueueGroup = "hosts"

// Namespace builds and parses the subjects of one system of actors. Two namespaces on one bus never meet.
type Namespace struct{ name string }

// NewNamespace returns the namespace with this name, [DefaultNamespace] if it is empty. The error has
// [troupe.CodeBadInput]: a namespace is spelt like any name.
func NewNamespace(name string) (Namespace, error) {
	if name == "" {
		name = DefaultNamespace
	}
	return Namespace{name}, troupe.CheckName("namespace", name)
}

// Name is the namespace's name.
func (n Namespace) Name() string { return n.name }

// Call is the direct subject of an action: an awake actor listens there.
func (n Namespace) Call(id troupe.ID, action string) string { return n.actor("call", id, action) }

// Route is the subject of an action that always works: every host of the type listens there, in a queue group.
func (n Namespace) Route(id troupe.ID, action string) string { return n.actor("route", id, action) }

// RouteType is what the hosts of an actor type subscribe to.
func (n Namespace) RouteType(actorType string) string { return n.name + ".route." + actorType + ".>" }

// Event is the subject on which an actor's event is published.
func (n Namespace) Event(id troupe.ID, event string) string { return n.actor("event", id, event) }

// Events is what a subscription to an event of these actors subscribes to. If the pattern ends with ">", other events
// arrive there too.
func (n Namespace) Events(actors troupe.Actors, event string) string {
	return n.actors("event", actors, event)
}

// Logs is [Namespace.Events] in the stream of durable events.
func (n Namespace) Logs(actors troupe.Actors, event string) string {
	return n.actors("log", actors, event)
}

func (n Namespace) actors(kind string, actors troupe.Actors, event string) string {
	pattern := n.name + "." + kind + "." + actors.Pattern()
	if strings.HasSuffix(pattern, ".>") {
		return pattern
	}
	return pattern + "." + event
}

// ParseEvent parses the subject of an event, and checks the ID. It allocates only the ID.
func (n Namespace) ParseEvent(subject string) (id troupe.ID, event string, ok bool) {
	return n.parse(subject, ".event.")
}

// Log is the subject of a durable event in its stream. The server republishes it on [Namespace.Event].
func (n Namespace) Log(id troupe.ID, event string) string { return n.actor("log", id, event) }

// ParseLog parses such a subject, like [Namespace.ParseEvent].
func (n Namespace) ParseLog(subject string) (id troupe.ID, event string, ok bool) {
	return n.parse(subject, ".log.")
}

func (n Namespace) parse(subject, kind string) (id troupe.ID, name string, ok bool) {
	rest, ok := strings.CutPrefix(subject, n.name)
	if !ok {
		return troupe.ID{}, "", false
	}
	rest, ok = strings.CutPrefix(rest, kind)
	dot := strings.LastIndexByte(rest, '.')
	if !ok || dot <= 0 {
		return troupe.ID{}, "", false
	}
	id, err := troupe.ParseID(rest[:dot])
	return id, rest[dot+1:], err == nil
}

// HostAll is what a host subscribes to.
func (n Namespace) HostAll(host string) string { return n.name + ".host." + host + ".>" }

// Forward is the subject on which a host forwards a call to the actor's owner.
func (n Namespace) Forward(host string, id troupe.ID, action string) string {
	return n.name + ".host." + host + ".call." + id.Tokens() + "." + action
}

// Batch is the subject on which a host takes batches of calls to its actors: see [ParseBatch]. The host answers an
// empty batch.
func (n Namespace) Batch(host string) string { return n.name + ".host." + host + ".batch" }

// Ping is the subject on which a host that is up replies; if it is gone NATS replies with "no responders".
func (n Namespace) Ping(host string) string { return n.name + ".host." + host + ".ping" }

// maxInbox is how many bytes a reply subject may have. A server closes a connection that sends it a line of over 4 KB.
const maxInbox = 1024

// IsInbox reports whether a host may reply to a subject: not to one of the server's, such as $JS and $KV, nor to one of
// this namespace. Callers choose their reply subjects, and a host may publish where they may not. They must not make it
// delete a bucket, write a record or call an actor for them.
func (n Namespace) IsInbox(subject string) bool {
	if subject == "" || len(subject) > maxInbox || subject[0] == '$' || subject[0] == '.' || subject[len(subject)-1] == '.' {
		return false
	}
	if rest, ok := strings.CutPrefix(subject, n.name); ok && (rest == "" || rest[0] == '.') {
		return false
	}
	for i := range len(subject) {
		switch c := subject[i]; {
		case c <= ' ', c == 0x7f, c == '*', c == '>', c == '.' && subject[i-1] == '.':
			return false
		}
	}
	return true
}

func (n Namespace) actor(kind string, id troupe.ID, name string) string {
	return n.name + "." + kind + "." + id.Tokens() + "." + name
}

// Target is the parsed subject of a call. Tokens is the text of an ID that has not been checked.
type Target struct {
	Tokens, Action string
	Forwarded      bool // by another host
	Direct         bool // to the actor's own subject
}

// ParseCall parses a call subject, a route subject or a forward to a host in this namespace. It allocates nothing.
func (n Namespace) ParseCall(subject string) (Target, bool) {
	rest, ok := strings.CutPrefix(subject, n.name)
	if !ok || rest == "" || rest[0] != '.' {
		return Target{}, false
	}
	kind, rest, _ := strings.Cut(rest[1:], ".")
	forwarded := false
	switch kind {
	case "call", "route":
	case "host":
		forwarded = true
		_, rest, _ = strings.Cut(rest, ".")
		if rest, ok = strings.CutPrefix(rest, "call."); !ok {
			return Target{}, false
		}
	default:
		return Target{}, false
	}
	dot := strings.LastIndexByte(rest, '.')
	if dot <= 0 {
		return Target{}, false
	}
	return Target{Tokens: rest[:dot], Action: rest[dot+1:], Forwarded: forwarded, Direct: kind == "call"}, true
}
