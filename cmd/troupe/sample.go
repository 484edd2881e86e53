package main

import (
	"slices"

	"github.com/troupe-go/troupe"
)

// sample counts actors, and has the first few.
type sample struct {
	count  int
	actors []string
}

const maxSample = 3

func (s *sample) add(id troupe.ID) {
	text := actorText(id)
	if len(s.actors) < maxSample && !id.IsZero() && !slices.Contains(s.actors, text) { // the key of a damaged record may be no ID
		s.actors = append(s.actors, text)
	}
	s.count++
}
