package main

import (
	"context"
	"fmt"

	"github.com/troupe-go/troupe/internal/store"
)

// itemFindings are the items of actors that do not exist: their host has died as it removed them.
func itemFindings(ctx context.Context, records *store.Records) ([]finding, error) {
	if records == nil {
		return nil, nil
	}
	lost, err := records.LostItems(ctx)
	if err != nil || len(lost) == 0 {
		return nil, err
	}
	var actors sample
	items := 0
	for id, n := range lost {
		actors.add(id)
		items += n
	}
	remove := func(ctx context.Context) error {
		for id := range lost {
			if err := records.ForgetItems(ctx, id); err != nil {
				return err
			}
		}
		return nil
	}
	return []finding{{isNote, fmt.Sprintf("%d items of %d actors that are destroyed", items, actors.count), actors.actors,
		"they take room, and no more", remove}}, nil
}
