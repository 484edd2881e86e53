// Package bus is the NATS side of troupe: connecting, the embedded server, subjects and headers, requests and error
// replies, and the two JetStream buckets that hold the records of actors and the leases of hosts.
//
// Programs use [Open] and [Connect] of it; the rest is for the packages client and actorhost, and for tools.
package bus
