package actorhost

import "github.com/troupe-go/troupe/internal/dedup"

// callName is what the caller of a call knows it by: zero, if that says nothing.
type callName struct{ caller, number uint64 }

func nameOf(id dedup.ID) callName {
	if id.Number == 0 {
		return callName{}
	}
	return callName{id.Caller, id.Number}
}
