package main

import (
	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/look"
)

// keyText is an actor's key as it is printed, and as [parseKey] takes it.
func keyText(id troupe.ID) string { return look.KeyText(id) }

// actorText is an actor as people read it: its type and its [keyText].
func actorText(id troupe.ID) string { return look.ActorText(id) }

// parseKey parses the KEY of a command line.
func parseKey(text string) ([]string, error) { return look.ParseKey(text) }
