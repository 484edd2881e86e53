// Package rpc makes requests over one connection: many at a time, several in one message where they have one way, and told
// at once when the server refuses them. It knows nothing of actors but their subjects.
package rpc
