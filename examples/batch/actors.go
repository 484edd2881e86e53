package main

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/examples/batch/work"
)

// actors are what a host of the batch runs.
var actors = []actorhost.Definition{
	actorhost.Define(func() processorState { return processorState{} },
		actorhost.On(work.Process, (*processorState).process),
		actorhost.On(work.GetTally, actorhost.NoIn((*processorState).getTally))),
}

// processorState is what processes the items of one type, one after the other. Those of another type have another actor.
type processorState struct {
	Tally work.Tally `json:"tally"`
}

// process counts the item, and so stores the tally before it answers.
func (s *processorState) process(c *actorhost.Context, item work.Item) (work.Result, error) {
	if own := c.Key()[0]; item.Type != own {
		return work.Result{}, work.ErrWrongType.With("takes", own)
	}
	s.Tally.Items++
	s.Tally.Bytes += len(item.Data)
	digest := sha256.Sum256([]byte(item.Data))
	return work.Result{Processed: true, Item: item, Digest: hex.EncodeToString(digest[:])}, nil
}

func (s *processorState) getTally(*actorhost.Context) (work.Tally, error) { return s.Tally, nil }
