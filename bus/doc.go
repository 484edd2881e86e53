// Package bus is the NATS side of troupe: connecting, the embedded server, subjects and headers, requests and error
// replies, and what JetStream keeps: the records of actors, the leases of hosts, the log of durable events, and who
// subscribes to them.
//
// Programs use [Open] and [Connect] of it; the rest is for the packages client and actorhost, and for tools.
package bus
