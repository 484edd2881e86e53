// Package work is the contract of actors that process items, one actor for each type of item.
package work

import "github.com/troupe-go/troupe"

// Processor refers to what processes the items of one type, which is its key.
type Processor struct{ troupe.Ref }

// ActorType implements troupe.Reference.
func (Processor) ActorType() string { return "processor" }

var (
	// Process processes an item, or refuses it with ErrWrongType.
	Process = troupe.NewAction[Processor, Item, Result]("process")
	// GetTally returns what the processor has done so far.
	GetTally = troupe.NewAction[Processor, troupe.None, Tally]("getTally")

	// ErrWrongType has in its metadata the type of items that the processor takes.
	ErrWrongType = troupe.NewError("wrong_type", "the item belongs to another processor")
)

// Item is something to be processed.
type Item struct {
	Type string `json:"type"`
	Data string `json:"data"`
}

// Result is an item that was processed.
type Result struct {
	Processed bool   `json:"processed"`
	Item      Item   `json:"item"`
	Digest    string `json:"digest"` // of the item's data, in hexadecimal digits
}

// Tally is what a processor has done.
type Tally struct {
	Items int `json:"items"`
	Bytes int `json:"bytes"`
}
