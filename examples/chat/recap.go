package main

import (
	"iter"
	"strings"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/examples/chat/room"
)

// perWord is how long it takes to read a word out.
const perWord = 20 * time.Millisecond

// recap reads out what was said by the time that it begins. The room goes on meanwhile: this is no turn of it, but for the moment in
// which it looks at the state.
func recap(s *actorhost.Stream[roomState], _ troupe.None) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		var said []room.Message
		if err := s.Turn(func(r *roomState, _ *actorhost.Context) error { said = r.Messages; return nil }); err != nil {
			yield("", err)
			return
		}
		next := time.NewTicker(perWord)
		defer next.Stop()
		for _, m := range said {
			for word := range strings.FieldsSeq(m.From + ": " + m.Text) {
				if !yield(word, nil) {
					return // nobody listens
				}
				select {
				case <-next.C:
				case <-s.Done():
					return
				}
			}
		}
	}
}
