package streams

import (
	"sync"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/wire"
)

// maxStreams is how many streams a host produces at a time.
const maxStreams = 10_000

// Streams finds the streams of a host by their subjects. The zero Streams has none.
type Streams struct {
	mu     sync.Mutex
	byName map[string]*Stream
}

// Add adds a stream, if there is room for one.
func (all *Streams) Add(s *Stream) *troupe.Error {
	all.mu.Lock()
	defer all.mu.Unlock()
	if len(all.byName) >= maxStreams {
		return errs.Overloaded("the host produces %d streams already", maxStreams)
	}
	if all.byName == nil {
		all.byName = make(map[string]*Stream)
	}
	all.byName[s.config.Name] = s
	return nil
}

// Remove removes a stream.
func (all *Streams) Remove(s *Stream) {
	all.mu.Lock()
	defer all.mu.Unlock()
	delete(all.byName, s.config.Name)
}

// Len is how many streams there are.
func (all *Streams) Len() int {
	all.mu.Lock()
	defer all.mu.Unlock()
	return len(all.byName)
}

// Heard takes a message to a subject of a stream.
func (all *Streams) Heard(msg *wire.Message) {
	name, number, ok := wire.ParseItem(msg.Subject)
	if !ok {
		return
	}
	all.mu.Lock()
	s := all.byName[name]
	all.mu.Unlock()
	if s != nil { // else it has ended
		s.Heard(number, msg)
	}
}
