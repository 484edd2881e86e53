package actorhost

import (
	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/wire"
)

// withSelf is the chain for the calls of an actor that was itself called with chain.
func withSelf(chain string, id troupe.ID) string {
	if chain == "" {
		return id.Tokens()
	}
	return chain + "," + id.Tokens()
}

// header is the first value of a header of a call.
func header(of nats.Header, key string) string {
	if values := of[key]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// contentType is the encoding of a call's input, and thus of its reply.
func contentType(of nats.Header) (codec.Codec, error) {
	return codec.ForContentType(header(of, wire.HeaderContentType))
}
