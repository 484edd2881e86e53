package main

import (
	"context"
	"fmt"

	"github.com/troupe-go/troupe/internal/store"
)

// deadFindings tells of messages that were given up.
func (c connection) deadFindings(ctx context.Context) ([]finding, error) {
	counts, err := store.QueueCounts(ctx, c.nc, c.namespace, "")
	if err != nil {
		return nil, err
	}
	dead, queues := uint64(0), sample{}
	for _, one := range counts {
		if one.Dead > 0 {
			dead += one.Dead
			queues.add(one.Actor)
		}
	}
	if dead == 0 {
		return nil, nil
	}
	return []finding{{
		Level: isNote, Text: fmt.Sprintf("%d messages of queues are dead letters", dead), Actors: queues.actors,
		Remedy: "troupe queue ls shows where, troupe queue dead why",
	}}, nil
}
