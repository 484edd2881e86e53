package wire

import "encoding/json"

// Contract is what callers and listeners must know of an actor type, on the subject of [Namespace.Contract]. Its schemas are JSON
// Schemas (draft 2020-12) of the values in JSON. They refer to those in Defs.
type Contract struct {
	Type    string               `json:"type"`
	Actions map[string]Signature `json:"actions"`           // also signals, and what starts workflows
	Create  json.RawMessage      `json:"create,omitempty"`  // what creating an actor with an input takes, if the type has a hook for it
	Connect json.RawMessage      `json:"connect,omitempty"` // what connecting takes, if the type has a hook for it

	Queues map[string]json.RawMessage `json:"queues,omitempty"` // their messages
	Events map[string]json.RawMessage `json:"events,omitempty"` // those that the type is said to broadcast
	Defs   json.RawMessage            `json:"$defs"`
}

// Signature is what an action takes and gives, and, if it starts a workflow, what that gives.
type Signature struct {
	In     json.RawMessage `json:"in"`
	Out    json.RawMessage `json:"out"`
	Result json.RawMessage `json:"result,omitempty"`
	Items  json.RawMessage `json:"items,omitempty"` // of a stream

	ReadOnly    bool `json:"readOnly,omitempty"`    // it changes nothing
	BesideTurns bool `json:"besideTurns,omitempty"` // and does not wait for what does
	Reentrant   bool `json:"reentrant,omitempty"`   // and may be called by what its actor waits for
}

// Reads says what an action that changes nothing may do beside that, or is empty for one that may change something.
func (s *Signature) Reads() string {
	switch {
	case s.Reentrant:
		return "It changes nothing, does not wait for what does, and may be called by what its actor waits for."
	case s.BesideTurns:
		return "It changes nothing, and does not wait for what does."
	case s.ReadOnly:
		return "It changes nothing."
	}
	return ""
}

// Contract is the subject on which a host tells the contract of a type: a request without a body, answered with a [Contract]. Of
// a type that it does not run it has no actions.
func (n Namespace) Contract(host, actorType string) string {
	return n.name + ".host." + host + ".contract." + actorType
}
