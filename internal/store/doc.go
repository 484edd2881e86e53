// Package store is what JetStream keeps for a system of actors: their records, the journals of hosts, the leases of hosts,
// the log of durable events, and who subscribes to them.
package store
