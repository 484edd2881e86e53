package wire

import (
	"strconv"
	"strings"
)

// A caller that takes batches of replies says so in its name, NAME.many. Like its [RequestID] that costs no header. The
// server adds nothing to these subjects, and a batch carries them without the name of the caller:
//
//	NAME.many.id.NUMBER.FLOOR  one reply
//	NAME.many.replies.HOST     a batch of replies of one host
//	NAME.many.batch.NUMBER     whether a batch of calls has arrived
const (
	manyMark     = ".many."
	singleToken  = "id."
	repliesToken = "replies."
	batchToken   = "batch."
)

// CallerName is the prefix of all reply subjects of a caller that takes batches of replies.
func CallerName(inbox string) string { return inbox + manyMark }

// TakesMany reports whether the caller with this reply subject takes batches of replies, and returns its [CallerName].
func TakesMany(reply string) (caller string, ok bool) {
	before, _, ok := strings.Cut(reply, manyMark+singleToken)
	if !ok {
		return "", false
	}
	return reply[:len(before)+len(manyMark)], true
}

// AppendReply appends the reply subject of a request with this [RequestID].
func AppendReply(dst []byte, caller string, number, floor uint64) []byte {
	dst = append(append(dst, caller...), singleToken...)
	dst = append(strconv.AppendUint(dst, number, 36), '.')
	return strconv.AppendUint(dst, floor, 36)
}

// ManyReplies is the subject on which a caller gets batches of replies from a host.
func ManyReplies(caller, host string) string { return caller + repliesToken + host }

// BatchReply is the prefix of the reply subject of a batch of calls; the number of the batch follows, in base 36.
func BatchReply(caller string) string { return caller + batchToken }

// ReplyTo parses the subject of a single reply, without the name of the caller. It returns the number of the request.
func ReplyTo(subject string) (number uint64, ok bool) {
	token, ok := strings.CutPrefix(subject, singleToken)
	if !ok {
		return 0, false
	}
	token, _, _ = strings.Cut(token, ".")
	return parseNumber(token)
}

// RepliesFrom parses the subject of a batch of replies, without the name of the caller. It returns the host.
func RepliesFrom(subject string) (host string, ok bool) {
	return strings.CutPrefix(subject, repliesToken)
}

// BatchAnswered parses a [BatchReply], without the name of the caller. It returns the number of the batch.
func BatchAnswered(subject string) (number uint64, ok bool) {
	token, ok := strings.CutPrefix(subject, batchToken)
	if !ok {
		return 0, false
	}
	return parseNumber(token)
}

func parseNumber(token string) (uint64, bool) {
	number, err := strconv.ParseUint(token, 36, 64)
	return number, err == nil
}
