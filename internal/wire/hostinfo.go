package wire

import (
	"strings"

	"github.com/troupe-go/troupe"
)

// HostInfo is what a host says of itself, on the subject of [Namespace.Info]. The counters begin with the host.
type HostInfo struct {
	ID       string `json:"id"`
	Awake    int    `json:"awake"`    // actors
	Calls    int64  `json:"calls"`    // that were run or refused
	Failed   int64  `json:"failed"`   // of those, how many were answered with an error
	Stopping bool   `json:"stopping"` // its actors move to other hosts
}

// ActorInfo is what a host says of one of its actors, on the subject of [Namespace.ActorInfo].
type ActorInfo struct {
	Awake   bool `json:"awake"`
	Waiting int  `json:"waiting"` // calls and events in its mailbox
}

// Info is where a host tells of itself: a request without a body, answered with a [HostInfo].
func (n Namespace) Info(host string) string { return n.name + ".host." + host + ".info" }

// ActorInfo is where a host tells of an actor that it owns: a request without a body, answered with an [ActorInfo].
func (n Namespace) ActorInfo(host string, id troupe.ID) string {
	return n.Info(host) + "." + id.Tokens()
}

// Drain is where a host is asked to stop cleanly. It answers with an empty body before it does.
func (n Namespace) Drain(host string) string { return n.name + ".host." + host + ".drain" }

// HostRequest is what a host is asked for, by the subject that it has received: "ping", "info", "drain", "batch", or
// "actor" and the tokens of an ID that has not been checked. It is empty for any other subject.
func (n Namespace) HostRequest(subject string) (request, tokens string) {
	rest, ok := strings.CutPrefix(subject, n.name+".host.")
	if !ok {
		return "", ""
	}
	_, rest, _ = strings.Cut(rest, ".")
	switch rest {
	case "ping", "info", "drain", "batch":
		return rest, ""
	}
	if tokens, ok = strings.CutPrefix(rest, "info."); ok {
		return "actor", tokens
	}
	return "", ""
}
