package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
)

// storedItem is an item as state get --items prints it.
type storedItem struct {
	Key   string          `json:"key"`
	Value json.RawMessage `json:"value,omitempty"`
	Error string          `json:"error,omitempty"` // why it cannot be read
}

// printItems prints the items of a map.
func printItems(ctx context.Context, r actorRecord, found record.Record, name string) error {
	parts, err := found.Open()
	if err != nil {
		return corrupt(r.id, err)
	}
	for one, err := range r.records.ListItems(ctx, r.id, parts.Items(), name) {
		if err != nil {
			return err
		}
		line, err := marshal(itemLine(one))
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(r.out, "%s\n", line); err != nil {
			return err
		}
	}
	return nil
}

func itemLine(one store.StoredItem) storedItem {
	line := storedItem{Key: one.ItemKey.Text()}
	err := one.Err
	if err == nil && len(one.Value) > 0 {
		line.Value, err = codec.ToJSON(one.Value)
	}
	if err != nil {
		line.Error = err.Error()
	}
	return line
}

// countItems counts the items of each map of an actor.
func countItems(ctx context.Context, r actorRecord, found record.Record) (map[string]int, error) {
	parts, err := found.Open()
	if err != nil {
		return nil, corrupt(r.id, err)
	}
	maps := make(map[string]int)
	for one, err := range r.records.ListItems(ctx, r.id, parts.Items(), "") {
		if err != nil {
			return nil, err
		}
		maps[one.Map]++
	}
	return maps, nil
}
