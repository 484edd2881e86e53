package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/troupe-go/troupe/internal/wire"
)

// parseAck parses JetStream's acknowledgement of a write, and returns the sequence number of the message. Its errors
// are those of a write.
func parseAck(msg *nats.Msg) (sequence uint64, err error) {
	if err := wire.NoResponders(msg); err != nil {
		return 0, fmt.Errorf("%w: %w", errNotSent, explain("", err))
	}
	const mark = `"seq":`
	if at := bytes.Index(msg.Data, []byte(mark)); at >= 0 && !bytes.Contains(msg.Data, []byte(`"error"`)) { // the usual case
		digits := msg.Data[at+len(mark):]
		if end := bytes.IndexAny(digits, ",}"); end > 0 {
			if sequence, err := strconv.ParseUint(string(digits[:end]), 10, 64); err == nil && sequence > 0 {
				return sequence, nil
			}
		}
	}
	var ack struct {
		Error    *jetstream.APIError `json:"error"`
		Stream   string              `json:"stream"`
		Sequence uint64              `json:"seq"`
	}
	if err := json.Unmarshal(msg.Data, &ack); err != nil {
		return 0, fmt.Errorf("%w: malformed acknowledgement: %w", ErrOutcomeUnknown, err)
	}
	switch {
	case ack.Error == nil && ack.Sequence > 0:
		return ack.Sequence, nil
	case ack.Error == nil || ack.Error.ErrorCode == codeWriteInFlight: // the outcome of that one decides
		return 0, ErrOutcomeUnknown
	case ack.Error.ErrorCode == codeWrongLastSequence && strings.HasSuffix(ack.Error.Description, ": 0"):
		return 0, errVanished
	case ack.Error.ErrorCode == codeWrongLastSequence:
		return 0, ErrConflict
	case ack.Error.ErrorCode == codeNoBatches:
		return 0, errNoBatches
	}
	return 0, fmt.Errorf("the server refused the write: %w", explain(ack.Stream, ack.Error))
}
