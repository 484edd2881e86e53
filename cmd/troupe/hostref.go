package main

import "github.com/jedib0t/go-pretty/v6/text"

// hostRef is the host that owns an actor.
type hostRef struct {
	ID   string `json:"id"`
	Name string `json:"name,omitempty"` // unknown if the host is not up
	Up   bool   `json:"up"`
}

// hostLabel is the name of a host and the first digits of its id, which distinguish hosts well enough.
func hostLabel(t terminal, host hostRef) string {
	id := shortID(host.ID)
	if !host.Up {
		return id + paint(t.out, text.FgYellow, " (not up)")
	}
	if host.Name == "" {
		return id
	}
	return stripControls(host.Name) + " " + id
}

func shortID(host string) string {
	const digits = 6
	if len(host) > digits {
		host = host[:digits]
	}
	return stripControls(host)
}
