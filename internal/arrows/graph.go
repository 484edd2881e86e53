package main

import (
	"maps"
	"slices"
)

// graph is a package as its files and the arrows between them.
type graph struct {
	path     string
	files    []string
	lines    int
	exported int
	arrows   map[arrow]map[string]bool
}

// arrow runs between two files, which are given as indexes of graph.files.
type arrow struct{ from, to int }

// add notes that one file mentions a name of another, or of its own, which is no arrow.
func (g *graph) add(a arrow, name string) {
	if a.from == a.to {
		return
	}
	if g.arrows[a] == nil {
		g.arrows[a] = map[string]bool{}
	}
	g.arrows[a][name] = true
}

// names returns what causes an arrow.
func (g *graph) names(a arrow) []string { return slices.Sorted(maps.Keys(g.arrows[a])) }

// knot returns the files of the largest knot, and none where no file reaches itself.
func (g *graph) knot() []string {
	reach := g.reach()
	var largest []string
	for i := range g.files {
		var knot []string
		for j, file := range g.files {
			if reach[arrow{i, j}] && reach[arrow{j, i}] {
				knot = append(knot, file)
			}
		}
		if len(knot) > len(largest) {
			largest = knot
		}
	}
	return largest
}

// reach holds each file with each that it reaches, along one arrow or several.
func (g *graph) reach() map[arrow]bool {
	reach := map[arrow]bool{}
	for a := range g.arrows {
		reach[a] = true
	}
	for via := range g.files {
		for from := range g.files {
			for to := range g.files {
				if reach[arrow{from, via}] && reach[arrow{via, to}] {
					reach[arrow{from, to}] = true
				}
			}
		}
	}
	return reach
}

// share returns how many percent of the arrows some of them are, rounded to a whole number.
func (g *graph) share(some int) int {
	all := max(1, len(g.arrows))
	return (100*some + all/2) / all
}
