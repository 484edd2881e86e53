package calls

import (
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

// lastWord is how long before the end of a call the last question is asked; zero: never.
func lastWord(timeout, silence time.Duration) time.Duration {
	if word := min(timeout/lastPart, silence); word >= leastWord {
		return word
	}
	return 0
}

// isAbsent reports whether a reply says that the call is not where it was asked for.
func isAbsent(reply *nats.Msg) bool { return wire.FirstHeader(reply.Header, wire.HeaderAbsent) != "" }

// isRefused reports whether a reply is that of a host that does not know questions.
func isRefused(reply *nats.Msg) bool {
	if wire.FirstHeader(reply.Header, wire.HeaderErrorCode) != string(troupe.CodeBadInput) {
		return false
	}
	failed := wire.DecodeError(reply)
	return !failed.FromActor && strings.Contains(failed.Message, wire.HeaderAttempt)
}
