package main

import "github.com/jedib0t/go-pretty/v6/text"

// listedHost is the host that owns an actor.
type listedHost struct {
	ID   string `json:"id"`
	Name string `json:"name,omitempty"` // unknown of one that is not up
	Up   bool   `json:"up"`
}

// hostText is the name of a host and the first digits of its id, which are enough to tell hosts apart.
func hostText(t terminal, host listedHost) string {
	id := shortID(host.ID)
	if !host.Up {
		return id + paint(t.out, text.FgYellow, " (not up)")
	}
	if host.Name == "" {
		return id
	}
	return oneLine(host.Name) + " " + id
}

func shortID(host string) string {
	const digits = 6
	if len(host) > digits {
		host = host[:digits]
	}
	return oneLine(host)
}
