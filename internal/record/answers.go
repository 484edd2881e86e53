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

// Remember keeps the answer to an identified call of the actor with these tokens, for the window at least. It keeps the
// output.
func (p *Parts) Remember(actor string, window time.Duration, call dedup.Call, answer dedup.Answer) {
	answers := own[*dedup.Answers](p, &answersPart)
	answers.Of(actor, window)
	answers.Add(call, answer)
}
