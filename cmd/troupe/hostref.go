package main

import (
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
)

// hostRef is the host that owns an actor.
type hostRef struct {
	ID   string `json:"id"`
	Name string `json:"name,omitempty"` // unknown if the host is not up
	Up   bool   `json:"up"`
}

// hostLabel is the name of a host and its id, or the given part of the id.
func hostLabel(t terminal, host hostRef, id string) string {
	switch {
	case host.ID == "":
		return "none"
	case !host.Up:
		return stripControls(id) + paint(t.out, text.FgYellow, " (not up)")
	}
	return strings.TrimSpace(stripControls(host.Name + " " + id))
}

// shortID is the first digits of a host's id, which distinguish hosts well enough.
func shortID(host string) string {
	const digits = 6
	if len(host) > digits {
		host = host[:digits]
	}
	return stripControls(host)
}
