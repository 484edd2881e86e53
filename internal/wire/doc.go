// Package wire is what calls, replies and events look like on the bus: subjects, headers, error replies, batches, and the
// numbers of requests and events. It does no I/O. docs/protocol.md is the authority, and the files in docs/vectors are run
// against this package and against the client in JavaScript.
package wire
