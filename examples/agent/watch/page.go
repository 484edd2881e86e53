// Package watch is the contract of pages, and of agents that look at them by themselves.
package watch

import "github.com/troupe-go/troupe"

// Page refers to a page, which tells nobody when it changes.
type Page struct{ troupe.Ref }

// ActorType implements troupe.Reference.
func (Page) ActorType() string { return "page" }

// Actions of a page.
var (
	// Edit sets the text.
	Edit = troupe.NewAction[Page, string, troupe.None]("edit")
	// Read returns it.
	Read = troupe.NewAction[Page, troupe.None, string]("read")
)
