package calls

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/wire"
)

// A call that was sent and of which nothing was heard is asked for before it is sent again: see [wire.Question]. Shortly
// before its time is over a last question calls it off, if it still waits for its turn. So a call that has never started
// says so.

// The last question is asked this long before the end, or an eighth of the time of the call if that is less. A call with so
// little time that the host could not answer is not asked for.
const lastWord, leastWord = 200 * time.Millisecond, 2 * time.Millisecond

func wordFor(timeout time.Duration) time.Duration {
	if word := min(timeout/8, lastWord); word >= leastWord {
		return word
	}
	return 0
}

// isLast reports whether it is time for the last question.
func (t *roundTrip) isLast(left time.Duration) bool {
	return t.word > 0 && left <= t.word && (t.unsure || t.open > 0) && !t.ways.mute.has(t.call.ID.Type())
}

// askLast asks where the call is most likely to wait. No time is left for it.
func (t *roundTrip) askLast(ctx context.Context) (*nats.Msg, error) {
	t.closing = true
	t.useDirect()
	reply, err := t.ask(ctx, "0", t.deadline)
	if errors.Is(err, nats.ErrNoResponders) {
		t.useRoute()
		return t.ask(ctx, "0", t.deadline)
	}
	return reply, err
}

// ask sends a question, which says how much time is left, and waits for any word.
func (t *roundTrip) ask(ctx context.Context, left string, until time.Time) (*nats.Msg, error) {
	t.attempts++
	t.asked = true
	setHeader(&t.msg, wire.HeaderAttempt, wire.Question(t.attempts))
	setHeader(&t.msg, wire.HeaderTimeout, left)
	t.msg.Data = nil
	return t.request.Do(ctx, &t.msg, until)
}

// isAbsent reports whether a reply says that the call is not where it was asked for. A host that does not know questions
// refuses them.
func (t *roundTrip) isAbsent(reply *nats.Msg) bool {
	if wire.FirstHeader(reply.Header, wire.HeaderAbsent) != "" {
		return true
	}
	if !t.asked || wire.FirstHeader(reply.Header, wire.HeaderErrorCode) != string(troupe.CodeBadInput) {
		return false
	}
	failed := wire.DecodeError(reply)
	if failed.FromActor || !strings.Contains(failed.Message, wire.HeaderAttempt) {
		return false
	}
	t.ways.mute.add(t.call.ID.Type())
	return true
}
