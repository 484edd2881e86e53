// Package rpc makes requests over one NATS connection: many at a time, several in one message when they go to the same
// host, and failed at once when the server denies them. Of actors it knows only the subjects.
package rpc
