package record

import (
	"time"

	"github.com/troupe-go/troupe/internal/dedup"
)

var answersPart = kind{name: "answers", make: func() Part { return new(dedup.Answers) }, inBytes: true, feature: "once"}

// AnswersRoom is the room for the answers in a record, in bytes.
const AnswersRoom = dedup.MaxSize

// Answers returns the answers to the calls that led to the state, or nil.
func (p *Parts) Answers() *dedup.Answers { return get[*dedup.Answers](p, &answersPart) }

// Forget removes the answers from a record, whether they can be decoded or not.
func (r *Record) Forget() { r.Parts = r.Parts.without(answersPart.name) }

// Answered is the change that remembers the answer to an identified call. It keeps the output.
type Answered struct {
	Call   dedup.Call
	Answer dedup.Answer
	Actor  string        // the tokens of its ID
	Window time.Duration // in which it is remembered at least
}

// Size implements [Change]: answers have room of their own.
func (Answered) Size(*Parts) int64 { return 0 }

// Shared implements [Change].
func (Answered) Shared() bool { return false }

// Apply implements [Change].
func (c Answered) Apply(p *Parts) {
	answers := own[*dedup.Answers](p, &answersPart)
	answers.Of(c.Actor, c.Window)
	answers.Add(c.Call, c.Answer)
}
