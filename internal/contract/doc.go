// Package contract writes what a host tells of an actor type for tools of others: TypeScript and AsyncAPI. The contracts come from
// the bus, so nothing in them is trusted.
package contract
