package wire

import (
	"encoding/binary"
	"errors"
	"slices"
	"unsafe"

	"github.com/nats-io/nats.go"
)

// A batch is several messages that travel as the body of one: a byte that says how many, then each as its subject, its
// reply subject, the number of its headers, the key and the value of each of these, and its body. Numbers are varints,
// and before every text is its length.

// MaxBatch is how many messages a batch may have.
const MaxBatch = 255

var errBadBatch = errors.New("not a batch of messages")

// AppendToBatch appends a message to a batch, of which count messages are there already.
func AppendToBatch(batch []byte, count int, subject string, msg *nats.Msg) []byte {
	if count == 0 {
		batch = append(batch, 0)
	}
	batch[0] = byte(count + 1)
	batch = appendText(batch, subject)
	batch = appendText(batch, msg.Reply)
	headers := 0
	for _, values := range msg.Header {
		headers += len(values)
	}
	batch = binary.AppendUvarint(batch, uint64(headers))
	for key, values := range msg.Header {
		for _, value := range values {
			batch = appendText(appendText(batch, key), value)
		}
	}
	batch = binary.AppendUvarint(batch, uint64(len(msg.Data)))
	return append(batch, msg.Data...)
}

func appendText(batch []byte, text string) []byte {
	return append(binary.AppendUvarint(batch, uint64(len(text))), text...)
}

// ParseBatch returns the messages of a batch, in the memory of those in into, which nobody needs any more and which may
// be nil. Their texts are parts of the batch, of which nothing must be changed.
func ParseBatch(into []nats.Msg, batch []byte) ([]nats.Msg, error) {
	if len(batch) == 0 {
		return nil, errBadBatch
	}
	r := batchReader{rest: batch[1:]}
	messages := slices.Grow(into[:0], int(batch[0]))[:batch[0]]
	for i := range messages {
		m := &messages[i]
		*m = nats.Msg{Subject: r.next(), Reply: r.next()}
		for n := r.length(); n > 0 && !r.bad; n-- {
			key := r.next()
			if m.Header == nil {
				m.Header = make(nats.Header, 2)
			}
			m.Header[key] = append(m.Header[key], r.next())
		}
		size := r.length()
		m.Data = r.rest[:size:size]
		r.skip(size)
	}
	if r.bad || len(r.rest) > 0 {
		return nil, errBadBatch
	}
	return messages, nil
}

// batchReader reads a batch. Once it has found what cannot be, all it reads is empty.
type batchReader struct {
	rest []byte
	bad  bool
}

// length reads a length, of what is there.
func (r *batchReader) length() int {
	length, n := binary.Uvarint(r.rest)
	if n <= 0 || length > uint64(len(r.rest)-n) {
		r.bad, r.rest = true, nil
		return 0
	}
	r.skip(n)
	return int(length) // which is no more than there is
}

func (r *batchReader) next() string {
	length := r.length()
	text := unsafe.String(unsafe.SliceData(r.rest), length) // a copy of all texts is a tenth of what a call allocates
	r.skip(length)
	return text
}

func (r *batchReader) skip(n int) { r.rest = r.rest[n:] }
