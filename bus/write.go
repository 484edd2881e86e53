package bus

import (
	"bytes"
	"context"

	"github.com/troupe-go/troupe"
)

// Write stores a record like Put, without waiting: done is called once, on another goroutine, with what Put would have
// returned.
func (r *Records) Write(id troupe.ID, record Record, done func(revision uint64, err error)) {
	record.State, record.Answers = bytes.Clone(record.State), bytes.Clone(record.Answers)
	go func() { done(r.Put(context.Background(), id, record)) }()
}
