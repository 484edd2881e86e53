package wire

import "github.com/troupe-go/troupe"

// Neighbours are the calls between an actor and others, on the subject of [Namespace.Neighbours]: those that actors of the host have
// made since its start, as far as it has not forgotten them.
type Neighbours struct {
	Since     int64            `json:"since"`               // the start of the host: milliseconds since 1970
	Calls     []NeighbourCalls `json:"calls"`               // the newest first
	Left      int              `json:"left,omitempty"`      // how many there are beside those
	Forgotten int64            `json:"forgotten,omitempty"` // of all actors of the host
}

// NeighbourCalls are the calls of one action by one actor.
type NeighbourCalls struct {
	From   string `json:"from"` // as tokens of a subject: troupe.ID.Tokens
	To     string `json:"to"`
	Action string `json:"action"`
	Calls  int64  `json:"calls"`
	Told   int64  `json:"told,omitempty"`       // of those, the ones whose answer nobody waits for
	Failed int64  `json:"failed,omitempty"`     // for the caller, with an error that a host has made
	Own    int64  `json:"own_errors,omitempty"` // with an error that the callee returns on purpose
	Last   int64  `json:"last"`                 // milliseconds since 1970
}

// Neighbours is the subject on which a host tells of the calls between an actor and others that it has made for its actors: a request
// without a body, answered with [Neighbours].
func (n Namespace) Neighbours(host string, id troupe.ID) string {
	return n.name + ".host." + host + ".neighbours." + id.Tokens()
}
