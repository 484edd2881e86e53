package actorhost

import (
	"errors"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/tenants"
)

// Tenants limits what the actors of one tenant may take of a host, so that none of them leaves the others without. What is more is
// refused with troupe.CodeOverloaded, which the caller may try again, and the error names the tenant and the limit. Each limit but
// Stored is one of each host, and zero is none: without any, tenants are not counted.
type Tenants struct {
	// Of returns the tenant of an actor, or nothing if it has none: then it has no limits. It is called before the actor wakes,
	// and must be quick, and call nobody. Default: the first part of the actor's key.
	Of func(actor troupe.ID) string
	// Awake is how many of the tenant's actors may be awake.
	Awake int
	// Created is how many actors may come into being within a second.
	Created int
	// Connections is how many connections programs may have with the tenant's actors.
	Connections int
	// Waiting is how many calls may wait for their turns, and WaitingBytes how much they may be together. The first that waits
	// may have any size.
	Waiting      int
	WaitingBytes int64
	// Stored is how many bytes the records of the tenant's actors and the items of their Maps may take in the store, each message
	// with its subject and some 100 bytes more, whatever the replicas. Unlike the others it is one of all hosts together, and holds
	// about: one of them counts for all, a minute after the last count, or so that it counts for a twentieth of the time if that is
	// later. Between two counts a host knows besides only what it has itself stored, so N hosts let in at most N times what there
	// was room for. What is beyond is refused where it would be stored, in whatever turn; what changes nothing, makes less of the
	// state or destroys actors goes on. An item that is set counts in full, whatever it replaces. Not counted are the other streams:
	// durable events, messages of queues, answers, alarms. It must be the same on all hosts.
	Stored int64
}

func (t Tenants) check() error {
	if min(int64(t.Awake), int64(t.Created), int64(t.Connections), int64(t.Waiting), t.WaitingBytes, t.Stored) < 0 {
		return errors.New("the limits of Tenants must not be negative")
	}
	return nil
}

func (t Tenants) open() *tenants.Tenants {
	of := t.Of
	if of == nil {
		of = firstKeyPart
	}
	return tenants.New(of, tenants.Limits{
		Awake: t.Awake, Created: t.Created, Connections: t.Connections, Waiting: t.Waiting, WaitingBytes: t.WaitingBytes,
		Stored: t.Stored,
	})
}

func firstKeyPart(actor troupe.ID) string {
	if key := actor.Key(); len(key) > 0 {
		return key[0]
	}
	return ""
}
