package wire

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/nats-io/nats.go"
)

// The headers of calls, replies and events. Every one is optional; docs/protocol.md says what each means.
const (
	HeaderContentType = "Content-Type"      // of a body; application/msgpack when absent
	HeaderTimeout     = "Troupe-Timeout"    // how long the caller will still wait, in milliseconds
	HeaderExisting    = "Troupe-Existing"   // "1": the call must not create the actor
	HeaderChain       = "Troupe-Chain"      // the actors that wait in this call, outermost first, separated by commas
	HeaderRequestID   = "Troupe-Request-Id" // the caller's name for the call: two calls with one name take effect once
	HeaderCall        = "Troupe-Call"       // the reply subject as the caller made it; of a reply: [SubjectArrives]
	HeaderAttempt     = "Troupe-Attempt"    // of a resent call: the number of the attempt, from 2; see [Question]
	HeaderReplyTo     = "Troupe-Reply-To"   // of a forwarded call: the reply subject of its caller
	HeaderPending     = "Troupe-Pending"    // of a reply: the answer comes later; the id of the host where the call waits
	HeaderAbsent      = "Troupe-Absent"     // of a reply to a [Question]: the call is not here; the id of the host that says so
	HeaderReleased    = "Troupe-Released"   // "1": reply of a stopping host to a forwarded call: claim the actor
	HeaderLeftBy      = "Troupe-Left-By"    // of a forwarded call: the id of the host, which leaves the actor to the receiver
	HeaderLacked      = "Troupe-Lacked"     // of a forwarded call: the programs that cannot take it, separated by commas
	HeaderEvent       = "Troupe-Event"      // of an event: its position, EPOCH.SEQUENCE or EPOCH.SEQUENCE.PREVIOUS
	HeaderExcept      = "Troupe-Except"     // of an event: the connection that must ignore it
	HeaderConnection  = "Troupe-Connection" // of a call: the caller's connection with the actor
	HeaderInbox       = "Troupe-Inbox"      // of _connect: events to the connection alone go to INBOX.ID.EVENT. Of a stream: [HeaderCredit]
	HeaderCredit      = "Troupe-Credit"     // of a call that opens a stream: how many items may be on their way to [HeaderInbox]
	HeaderEnd         = "Troupe-End"        // of the last message of a stream: how many items it had
	HeaderAlive       = "Troupe-Alive"      // "1": a message of a stream without an item
	HeaderErrorCode   = "Troupe-Error-Code"
	HeaderErrorOrigin = "Troupe-Error-Origin" // "actor" for an actor's own error
	HeaderRetryable   = "Troupe-Retryable"    // "1": the action had no effect, the call can be resent

	// The error headers of NATS micro services (ADR-32), so that NATS tools show our errors.
	HeaderServiceError     = "Nats-Service-Error"
	HeaderServiceErrorCode = "Nats-Service-Error-Code"
)

// questionMark follows the number of an attempt that has no body.
const questionMark = "?"

// Question is the [HeaderAttempt] of a question whether a call has arrived. It is sent like the call, without the body. Hosts
// that do not know questions refuse it, and name the header.
func Question(attempt int) string { return strconv.Itoa(attempt) + questionMark }

// IsQuestion reports whether a [HeaderAttempt] is that of a question.
func IsQuestion(attempt string) bool { return strings.HasSuffix(attempt, questionMark) }

// SubjectArrives is the [HeaderCall] of a reply: the reply subject of the call has arrived as the caller made it.
const SubjectArrives = "subject"

// DefaultTimeout bounds a call whose caller set no deadline.
const DefaultTimeout = 30 * time.Second

// ForwardRoom is how many bytes of the server's max_payload a call must leave for the headers that a host adds when it
// forwards the call.
const ForwardRoom = 512

// AlwaysFits is a message size that every server accepts: JetStream needs more. Asking nc for its limit takes the lock
// of the connection, which is held during writes to the socket.
const AlwaysFits = 1 << 10

// MaxRequestID is how many bytes [HeaderRequestID] may have.
const MaxRequestID = 256

// GivenID says what [HeaderRequestID] and [HeaderPushID] take: see [IsGivenID].
const GivenID = "1 to 256 bytes of UTF-8 in one line, without white space at its ends"

// IsGivenID reports whether a text can be the id that a caller gives to a call, or to a message. NATS takes white space off the ends of
// a header, and clients make a space of a line break: of two ids one would become.
func IsGivenID(id string) bool {
	return id != "" && len(id) <= MaxRequestID && utf8.ValidString(id) && strings.TrimSpace(id) == id &&
		!strings.ContainsFunc(id, unicode.IsControl)
}

// MaxInbox is how many bytes [HeaderInbox] may have, and any inbox of ours.
const MaxInbox = 256

// MaxChain is how many actors may wait in one call.
const MaxChain = 64

// MaxChainBytes is how long [HeaderChain] may be: enough for [MaxChain] actors with the longest keys.
const MaxChainBytes = 256 << 10

// FormatTimeout formats the time left for [HeaderTimeout]: whole milliseconds, rounded up, at least 1.
func FormatTimeout(left time.Duration) string {
	ms := int64(left / time.Millisecond)
	if left%time.Millisecond > 0 {
		ms++
	}
	return strconv.FormatInt(max(1, ms), 10)
}

// maxTimeout is the longest that a call may wait.
const maxTimeout = 24 * time.Hour

// ParseTimeout parses [HeaderTimeout], which [Namespace.ReadHeaders] has checked. An absent value is [DefaultTimeout].
// The limit is one day.
func ParseTimeout(value string) time.Duration {
	if value == "" {
		return DefaultTimeout
	}
	ms, _ := strconv.ParseInt(value, 10, 64) // the nearest number of those that 64 bits can hold
	return time.Duration(min(max(ms, 0), maxTimeout.Milliseconds())) * time.Millisecond
}

// EventHeader makes the headers of an event.
func EventHeader(p Place, except string) nats.Header {
	header := make(nats.Header, 2)
	header[HeaderEvent] = []string{p.String()}
	if except != "" {
		header[HeaderExcept] = []string{except}
	}
	return header
}
