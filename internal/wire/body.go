package wire

import (
	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe/codec"
)

// BodyCodec is the encoding of a message's body.
func BodyCodec(msg *nats.Msg) (codec.Codec, error) {
	if msg.Header == nil {
		return codec.MsgPack, nil
	}
	return codec.ForContentType(FirstHeader(msg.Header, HeaderContentType))
}

// DecodeBody stores the body of a message in the value that into points to.
func DecodeBody(msg *nats.Msg, into any) error {
	as, err := BodyCodec(msg)
	if err != nil {
		return err
	}
	return as.Unmarshal(msg.Data, into)
}
