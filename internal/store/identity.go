package store

import (
	"cmp"
	"context"
	"fmt"
	"time"
)

// Identity says which store a namespace has: the hosts of one namespace must all have the same. What is made anew, or in
// another JetStream, has another.
type Identity struct {
	Domain  string    // of JetStream; empty if it has none
	Created time.Time // when the bucket of the records was made
}

// Equal reports whether both are the same store.
func (i Identity) Equal(other Identity) bool {
	return i.Domain == other.Domain && i.Created.Equal(other.Created)
}

// Older reports which of two stores was there first. Of any two stores one is the older.
func (i Identity) Older(other Identity) bool {
	return cmp.Or(i.Created.Compare(other.Created), cmp.Compare(i.Domain, other.Domain)) < 0
}

// String is the store as people know it.
func (i Identity) String() string {
	made := " with the records made at " + i.Created.UTC().Format(time.RFC3339)
	if i.Domain == "" {
		return "a JetStream without a domain," + made
	}
	return fmt.Sprintf("the JetStream domain %q,%s", i.Domain, made)
}

// Identity asks for the store of the records.
func (r *Records) Identity(ctx context.Context) (Identity, error) {
	var reply struct {
		Created time.Time `json:"created"`
		Domain  string    `json:"domain"`
	}
	err := untilAnswered(ctx, func(ctx context.Context) error { return r.bucket.info(ctx, nil, &reply) })
	return Identity{reply.Domain, reply.Created}, unopened(r.bucket.name(), err)
}
