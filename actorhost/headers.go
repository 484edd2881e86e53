package actorhost

import (
	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/wire"
)

// appendToChain is the chain for the calls of an actor that was itself called with chain.
func appendToChain(chain string, id troupe.ID) string {
	if chain == "" {
		return id.Tokens()
	}
	return chain + "," + id.Tokens()
}

// codecOf is the encoding of a call's input, and thus of its reply.
func codecOf(of nats.Header) (codec.Codec, error) {
	return codec.ForContentType(wire.FirstHeader(of, wire.HeaderContentType))
}
