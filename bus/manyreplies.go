package bus

import "strings"

// manyMark says that a caller takes several replies as one message. Like its [RequestID] it costs no header: it is what
// the name of the caller ends with in the subjects of replies, INBOX.many.id.NUMBER.FLOOR. A batch of replies, with
// subjects from "id" on, then comes on INBOX.many.replies.HOST.
const manyMark = ".many."

const repliesToken, batchToken = "replies.", "batch."

// TakesMany tells whether the caller with this reply subject takes batches, and what it is called: all that its reply
// subjects have in common.
func TakesMany(reply string) (caller string, ok bool) {
	before, _, ok := strings.Cut(reply, manyMark+requestIDMark[1:])
	if !ok {
		return "", false
	}
	return reply[:len(before)+len(manyMark)], true
}

// ManyReplies is where a caller that takes batches gets those of a host.
func ManyReplies(caller, host string) string { return caller + repliesToken + host }
