// Package wire defines how calls, replies and events look on the bus: subjects, headers, error replies, batches, and
// the numbers of requests and events. It does no I/O. docs/protocol.md is the authority. The files in docs/vectors are
// run against this package and against the JavaScript client.
package wire
