package look

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
)

// Revision is a revision of a record that is kept.
type Revision struct {
	Revision uint64          `json:"revision"`
	Written  time.Time       `json:"written"`
	By       string          `json:"by"` // why it was written; empty: not known
	Owner    string          `json:"owner,omitempty"`
	Epoch    uint64          `json:"epoch"`
	Bytes    int             `json:"state_bytes"`
	State    json.RawMessage `json:"state,omitempty"`
	Error    string          `json:"error,omitempty"` // why it cannot be read
}

// History returns the kept revisions of an actor, the oldest first: none if it does not exist.
func History(ctx context.Context, records *store.Records, id troupe.ID) ([]Revision, error) {
	var found []Revision
	var epoch uint64 // of the revision before
	for one, err := range records.History(ctx, id) {
		if err != nil && !errors.Is(err, record.ErrCorrupt) {
			return nil, err
		}
		line := Revision{
			Revision: one.Revision, Written: one.Modified, By: writtenBy(one.Record, epoch),
			Owner: one.Owner, Epoch: one.Epoch, Bytes: len(one.State),
		}
		if err == nil && len(one.State) > 0 {
			line.State, err = codec.ToJSON(one.State)
		}
		if err != nil {
			line.By, line.Error = "", err.Error()
		}
		epoch = one.Epoch
		found = append(found, line)
	}
	return found, nil
}

// writtenBy says why a record was written over one with the epoch before, which is zero if that is not known: then it may
// say nothing.
func writtenBy(r record.Record, before uint64) string {
	switch {
	case r.Owner == "":
		return "state set"
	case !r.Created:
		return "claim"
	case r.Epoch == before:
		return "calls"
	case before != 0:
		return "waking"
	}
	return ""
}
