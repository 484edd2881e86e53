// Package link says what becomes of a NATS connection, and of what is sent over it: what the server denies, and why the
// connection is closed.
package link
