package main

import (
	"slices"
	"strings"
)

// candidate is a word that can follow, and its help.
type candidate struct{ word, help string }

// unfinished is a word whose completions have to be looked up.
type unfinished struct {
	value     string   // what it is, such as "key"; empty: there is nothing to look up
	last      string   // how it begins
	arguments []string // those before it
	flags     []string // with their values
}

// beginningWith keeps the candidates that begin like the last word.
func beginningWith(found []candidate, last string) []candidate {
	return slices.DeleteFunc(found, func(c candidate) bool { return c.word == "" || !strings.HasPrefix(c.word, last) })
}
