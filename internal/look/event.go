package look

import (
	"encoding/json"
	"fmt"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/wire"
)

// Payload is the payload of an event as JSON, nil if it has none.
func Payload(msg *nats.Msg) (payload json.RawMessage, err error) {
	if len(msg.Data) == 0 {
		return nil, nil
	}
	as, err := wire.BodyCodec(msg)
	data := msg.Data
	if err == nil && as == codec.MsgPack {
		data, err = codec.ToJSON(msg.Data)
	}
	if err == nil {
		err = json.Unmarshal(data, &payload)
	}
	if err != nil {
		return nil, fmt.Errorf("the payload of %d bytes cannot be decoded: %w", len(msg.Data), err)
	}
	return payload, nil
}
