// Package node has the JavaScript client of actors for programs that serve it to browsers.
package node

import "embed"

// Client is the client: troupe.mjs, and what it imports of its own. In a browser an import map has to tell where
// @nats-io/nats-core and @msgpack/msgpack are.
//
//go:embed troupe.mjs actor.mjs connection.mjs wire.mjs
var Client embed.FS
