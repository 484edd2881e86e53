package record

import "github.com/troupe-go/troupe/internal/dedup"

var answersPart = kind{name: "answers", make: func() Part { return new(dedup.Answers) }, inBytes: true}

// Answers returns the answers to the calls that led to the state, or nil.
func (p *Parts) Answers() *dedup.Answers { return get[*dedup.Answers](p, &answersPart) }

// Forget removes the answers from a record, whether they can be decoded or not.
func (r *Record) Forget() { r.Parts = r.Parts.without(answersPart.name) }

// Answered is the change that remembers the answer to an identified call. It keeps the output.
type Answered struct {
	Call   dedup.Call
	Output []byte
}

// Size implements [Change]: answers take the room that is left.
func (Answered) Size(*Parts) int64 { return 0 }

// Shared implements [Change].
func (Answered) Shared() bool { return false }

// Apply implements [Change].
func (c Answered) Apply(p *Parts) { own[*dedup.Answers](p, &answersPart).Add(c.Call, c.Output) }
