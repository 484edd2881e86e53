package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const module = "github.com/troupe-go/troupe/"

// bar is how bad a package may be: the files of its largest knot, and the percentage of its arrows that run back up.
type bar struct{ knot, share int }

// The bars are what was measured. They may only go down: whoever makes a package better lowers its bar.
var bars = map[string]bar{
	"actorhost":                 {knot: 10, share: 6},
	"actorhost/internal/commit": {knot: 7, share: 25}, // a file for each thing that a Gate sends once a record is stored
	"client":                    {},
	"client/internal/calls":     {},
	"client/internal/conns":     {},
	"client/internal/events":    {},
	"cmd/troupe":                {},
	"codec":                     {knot: 11, share: 5},
	"internal/record":           {knot: 12, share: 25}, // each part is in the knot: parts.go lists them
	"internal/store":            {knot: 10, share: 10},
}

// Every other package may have a knot of this many files. Its share is not measured: in a small package it says little.
const otherKnot = 6

func TestBars(t *testing.T) {
	t.Parallel()
	graphs, err := load(t.Context(), module+"...")
	require.NoError(t, err)
	found := 0
	for _, g := range graphs {
		most, ok := bars[strings.TrimPrefix(g.path, module)]
		if !ok {
			most = bar{knot: otherKnot, share: 100}
		} else {
			found++
		}
		const hint = "%s; `go run ./internal/arrows -back %[1]s` lists what to cut"
		assert.LessOrEqual(t, len(g.knot()), most.knot, "files in the largest knot of "+hint, g.path)
		assert.LessOrEqual(t, g.share(len(g.back())), most.share, "percent of the arrows run back up in "+hint, g.path)
	}
	require.Equal(t, len(bars), found, "a package that has a bar is gone")
}

func TestNothingIsTooLong(t *testing.T) {
	t.Parallel()
	long, err := tooLong("../..")
	require.NoError(t, err)
	require.Empty(t, long)
}
