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

// The last question is asked as long before the end as a word of the host may take, but at most that part of the time of
// the call. A call with so little time that the host could not answer is not asked for.
const lastPart, leastWord = 8, 2 * time.Millisecond

// word is how long before the end of the call the last question is asked; zero: never.
func (t *roundTrip) word() time.Duration {
	if word := min(t.timeout/lastPart, t.sender.silence()); word >= leastWord {
		return word
	}
	return 0
}

// isLast reports whether it is time for the last question.
func (t *roundTrip) isLast(left time.Duration) bool {
	return t.open > 0 && left <= t.word() && !t.ways.mute.has(t.call.ID.Type())
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
