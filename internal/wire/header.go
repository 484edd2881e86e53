package wire

import (
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
)

// The headers of calls and replies. Every one is optional; docs/protocol.md says what each means.
const (
	HeaderContentType = "Content-Type"      // of a body; application/msgpack when absent
	HeaderTimeout     = "Troupe-Timeout"    // milliseconds that the caller will still wait
	HeaderExisting    = "Troupe-Existing"   // "1": the call must not create the actor
	HeaderChain       = "Troupe-Chain"      // the actors that wait in this call, outermost first, separated by commas
	HeaderRequestID   = "Troupe-Request-Id" // the caller's name for the call: two with one name take effect once
	HeaderAttempt     = "Troupe-Attempt"    // of a call that is sent again: the how manyth time it is, from 2
	HeaderReplyTo     = "Troupe-Reply-To"   // of a forwarded call: where its caller waits
	HeaderPending     = "Troupe-Pending"    // id of the host where a call that came again is known: no answer yet, but there will be one
	HeaderReleased    = "Troupe-Released"   // "1": the answer of a host that stops to a forwarded call: claim the actor
	HeaderEvent       = "Troupe-Event"      // of an event: its place, EPOCH.SEQUENCE or EPOCH.SEQUENCE.PREVIOUS
	HeaderExcept      = "Troupe-Except"     // of an event: the connection that it is not for
	HeaderConnection  = "Troupe-Connection" // of a call: the caller's connection with the actor
	HeaderInbox       = "Troupe-Inbox"      // of a call that connects: what is sent to the connection goes to INBOX.ID.EVENT
	HeaderErrorCode   = "Troupe-Error-Code"
	HeaderErrorOrigin = "Troupe-Error-Origin" // "actor" for an actor's own error
	HeaderRetryable   = "Troupe-Retryable"    // "1": the action had no effect, the same call can be made again

	// The error headers of NATS micro services (ADR-32), so that its tools show our errors.
	HeaderServiceError     = "Nats-Service-Error"
	HeaderServiceErrorCode = "Nats-Service-Error-Code"
)

// DefaultTimeout bounds a call when its caller set no deadline.
const DefaultTimeout = 30 * time.Second

// ForwardRoom is what a call leaves of the server's max_payload for the headers that a host adds when it forwards it.
const ForwardRoom = 512

// AlwaysFits is a size that every server takes: JetStream needs more. To ask for its limit takes the lock of the connection,
// which is held while it writes.
const AlwaysFits = 1 << 10

// MaxRequestID is how many bytes [HeaderRequestID] may have.
const MaxRequestID = 256

// MaxChain is how many actors may wait in one call.
const MaxChain = 64

// MaxChainBytes is how long [HeaderChain] may be: enough for as many actors with the longest of keys.
const MaxChainBytes = 256 << 10

// FormatTimeout writes the time left as [HeaderTimeout] has it: whole milliseconds, rounded up, at least 1.
func FormatTimeout(left time.Duration) string {
	ms := int64(left / time.Millisecond)
	if left%time.Millisecond > 0 {
		ms++
	}
	return strconv.FormatInt(max(1, ms), 10)
}

// ParseTimeout reads [HeaderTimeout]. What is absent or malformed counts as [DefaultTimeout], and no call is given
// more than a day.
func ParseTimeout(value string) time.Duration {
	if value == "" {
		return DefaultTimeout // without the error, which costs an allocation
	}
	ms, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return DefaultTimeout
	}
	return time.Duration(min(max(ms, 0), 24*60*60*1000)) * time.Millisecond
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
