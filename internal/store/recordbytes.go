package store

import (
	"fmt"

	"github.com/troupe-go/troupe/codec"
)

// append appends the encoding of a record. It is written with every change of an actor, so what every record has is put
// together by hand.
func (r *Record) append(b []byte) ([]byte, error) {
	at, fields := len(b), 0
	b = codec.AppendMap(b, 0)
	field := func(name string) {
		fields++
		b = codec.AppendString(b, name)
	}
	field("owner")
	b = codec.AppendString(b, r.Owner)
	if r.Epoch != 0 {
		field("epoch")
		b = codec.AppendUint(b, r.Epoch)
	}
	if r.Created {
		field("created")
		b = codec.AppendTrue(b)
	}
	for _, part := range []struct {
		name string
		data []byte
	}{{"state", r.State}, {"answers", r.Answers}, {"follows", r.Follows}} {
		if len(part.data) > 0 {
			field(part.name)
			b = codec.AppendBytes(b, part.data)
		}
	}
	var err error
	if len(r.Events) > 0 {
		field("events")
		if b, err = codec.MsgPack.Append(b, r.Events); err != nil {
			return nil, fmt.Errorf("its events: %w", err)
		}
	}
	if len(r.Outbox) > 0 {
		field("outbox")
		if b, err = codec.MsgPack.Append(b, r.Outbox); err != nil {
			return nil, fmt.Errorf("its outbox: %w", err)
		}
	}
	codec.AppendMap(b[:at], fields)
	return b, nil
}
