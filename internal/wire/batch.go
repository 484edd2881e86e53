package wire

import (
	"encoding/binary"
	"errors"
	"slices"
	"unsafe"
)

// A batch is several messages in the body of one: a byte with their count, then each message as its subject, its reply
// subject, the number of its headers, the key and value of each header, and its body. Numbers are varints, and every
// text is preceded by its length.

// MaxBatch is how many messages a batch may have.
const MaxBatch = 255

var errBadBatch = errors.New("not a batch of messages")

// AppendToBatch appends a message to a batch that has count messages already. The message gets the given subject
// instead of its own.
func AppendToBatch(batch []byte, count int, subject string, msg *Message) []byte {
	if count == 0 {
		batch = append(batch, 0)
	}
	batch[0] = byte(count + 1)
	batch = appendText(batch, subject)
	batch = appendText(batch, msg.Reply)
	batch = binary.AppendUvarint(batch, uint64(len(msg.Header)))
	for i := range msg.Header {
		batch = appendText(appendText(batch, msg.Header[i].Name), msg.Header[i].Value)
	}
	batch = binary.AppendUvarint(batch, uint64(len(msg.Data)))
	return append(batch, msg.Data...)
}

func appendText(batch []byte, text string) []byte {
	return append(binary.AppendUvarint(batch, uint64(len(text))), text...)
}

// fieldsAtOnce is for how many headers memory is taken at a time.
const fieldsAtOnce = 16

// ParseBatch returns the messages of a batch. It reuses the memory of into, which may be nil. The texts of the messages
// share the memory of the batch, which must not be changed.
func ParseBatch(into []Message, batch []byte) ([]Message, error) {
	if len(batch) == 0 {
		return nil, errBadBatch
	}
	r := batchReader{rest: batch[1:]}
	messages := slices.Grow(into[:0], int(batch[0]))[:batch[0]]
	var fields Header // of several messages
	for i := range messages {
		m := &messages[i]
		*m = Message{Subject: r.next(), Reply: r.next()}
		fields = fields[len(fields):]
		for n := r.length(); n > 0 && !r.bad; n-- {
			if len(fields) == cap(fields) {
				fields = append(make(Header, 0, max(fieldsAtOnce, 2*len(fields))), fields...)
			}
			fields = append(fields, HeaderField{r.next(), r.next()})
			m.Header = slices.Clip(fields)
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

// batchReader reads a batch. After an error everything that it reads is empty.
type batchReader struct {
	rest []byte
	bad  bool
}

// length reads a length. It is at most the number of bytes left.
func (r *batchReader) length() int {
	length, n := binary.Uvarint(r.rest)
	if n <= 0 || length > uint64(len(r.rest)-n) {
		r.bad, r.rest = true, nil
		return 0
	}
	r.skip(n)
	return int(length) // which is at most len(r.rest)
}

func (r *batchReader) next() string {
	length := r.length()
	text := unsafe.String(unsafe.SliceData(r.rest), length) // copying the texts would be a tenth of a call's allocations
	r.skip(length)
	return text
}

func (r *batchReader) skip(n int) { r.rest = r.rest[n:] }
