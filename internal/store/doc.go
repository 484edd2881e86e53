// Package store is what JetStream stores for a system of actors: their records, the journals and leases of hosts, the
// log of durable events, and the index of its subscribers.
package store
