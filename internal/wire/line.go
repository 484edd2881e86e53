package wire

// A server closes the connection of a client that sends it a longer line than its max_control_line. Nothing in the
// protocol tells what that is, so it must be the default, or more. A line has a subject, a reply subject and two sizes.
const maxLine, maxReplySubject, maxSizes = 4096, 512, 40

// MaxSubject is how many bytes a subject may have that is sent with a reply subject of ours, whose inbox has at most
// [MaxInbox]. A subject with the longest key in it has fewer. One with two keys may have more, and must be checked.
const MaxSubject = maxLine - maxReplySubject - maxSizes
