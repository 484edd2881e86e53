// Package js has the JavaScript client of actors for programs that serve it to browsers.
package js

import "embed"

// Client is the client: troupe.js, and what it imports of its own. In a browser an import map has to tell where
// @nats-io/nats-core and @msgpack/msgpack are.
//
//go:embed troupe.js actor.js connection.js wire.js
var Client embed.FS
