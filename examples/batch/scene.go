package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/examples/batch/work"
	"github.com/troupe-go/troupe/examples/internal/stage"
)

// itemCount is how many items the scene has.
const itemCount = 5000

// itemTypes are the types of the items, and the keys of their processors.
var itemTypes = []string{"csv", "gif", "html", "jpeg", "mp3", "mp4", "pdf", "png", "svg", "txt", "wav", "zip"}

var tour = stage.Tour{
	Calls: []stage.Call{
		{Type: "processor", Key: "pdf", Action: "process", Input: `{"type":"pdf","data":"an invoice"}`},
		{Type: "processor", Key: "pdf", Action: "getTally"},
	},
}

// scene processes a batch and shows what each processor has done.
func scene(ctx context.Context, s *stage.Stage, c *client.Client) error {
	s.Title("Batch", fmt.Sprintf("A program sends %d items to %d actors, one for each type of item, %d at a time.",
		itemCount, len(itemTypes), inFlight))
	items := makeItems(itemCount)
	done, finish := func() {}, func() {}
	if out, terminal := s.Out(); terminal {
		bar := newBar(out, len(items))
		done, finish = bar.increment, func() { bar.close(); s.Line("") }
	}
	began := time.Now()
	results, err := processAll(ctx, c, items, done)
	took := time.Since(began)
	finish()
	if err != nil {
		return fmt.Errorf("processing the batch: %w", err)
	}

	counts := make(map[string]int)
	for _, result := range results {
		counts[result.Item.Type]++
	}
	s.Line("%s", s.Dim(fmt.Sprintf("%-10s %8s %10s", "", "this run", "so far")))
	for _, itemType := range itemTypes {
		tally, err := work.GetTally.Call(ctx, troupe.GetOrCreate[work.Processor](c, itemType), nil)
		if err != nil {
			return fmt.Errorf("the tally of %s: %w", itemType, err)
		}
		s.Line("%-10s %8d %10d", itemType, counts[itemType], tally.Items)
	}
	s.Line("")
	s.Done("%d items in %v, %s items a second, each of them stored before it was answered",
		len(results), took.Round(time.Millisecond), s.Bold(fmt.Sprintf("%.0f", float64(len(results))/took.Seconds())))
	return nil
}

// makeItems makes items of all types, some more of the first ones.
func makeItems(n int) []work.Item {
	items := make([]work.Item, n)
	for i := range items {
		itemType := itemTypes[i*i%97%len(itemTypes)]
		items[i] = work.Item{Type: itemType, Data: itemType + " file number " + strconv.Itoa(i)}
	}
	return items
}
