// Package js has the JavaScript client of actors for programs that serve it to browsers.
package js

import "embed"

// Client is the client: index.js, the hooks for React in react.js, and what they import of their own. In a browser an import map has to
// tell where @nats-io/nats-core, @msgpack/msgpack and, for the hooks, react are.
//
//go:embed *.js
var Client embed.FS
