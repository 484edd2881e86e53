// Package record says what the record of an actor is: whose the actor is, its state, and its durable parts, of which each
// has a file of its own. It reads and writes bytes, and nothing else.
package record

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
)

// Record is the persisted side of one actor, and the truth about who owns it.
type Record struct {
	Owner   string   // id of the host that claimed the actor last
	Epoch   uint64   // number of that claim: see [Record.NextEpoch]
	Created bool     // false between a claim and the end of the on-create hook
	Needs   []string // features without which a host must leave the actor alone: see [Features]
	State   []byte   // the msgpack encoding of the actor's state
	Parts   Encoded  // what else there is of the actor: see [Record.Open]

	// Revision is what a write of the record must expect, also for a record that does not exist. It is not encoded.
	Revision uint64
}

// Encoded is the parts of a record as they are stored, those too that this program does not know: a msgpack map, or
// nothing when there are none.
type Encoded []byte

// ErrCorrupt is the error of a record that cannot be decoded.
var ErrCorrupt = errors.New("the record cannot be decoded")

// The fields of a record that are no parts.
const (
	fieldOwner   = "owner"
	fieldEpoch   = "epoch"
	fieldCreated = "created"
	fieldNeeds   = "needs"
	fieldState   = "state"
)

// Decode reads a record that was stored as the given revision. What it has as its parts is not looked into: see
// [Record.Open]. The error is [ErrCorrupt]; of the record, the revision is known all the same.
func Decode(data []byte, revision uint64) (Record, error) {
	r := Record{Revision: revision}
	if err := guard(func() error { return r.decode(data) }); err != nil {
		return Record{Revision: revision}, err
	}
	return r, nil
}

// NextEpoch is the epoch of a claim that is made now over this record, or over what is left of a destroyed one. Within
// a record epochs grow by themselves. The clock, in milliseconds, keeps them growing when the record is forgotten, or put
// back to an older copy: subscribers know the epochs of before.
func (r *Record) NextEpoch(now time.Time) uint64 {
	clock := uint64(max(now.UnixMilli(), 1))
	if r.Epoch >= maxNumber { // no host's
		return clock
	}
	return max(r.Epoch+1, clock)
}

// guard makes [ErrCorrupt] of what goes wrong in decoding: of a panic too, for the bytes are anybody's, and a record that
// ends the host which reads it ends the next one as well.
func guard(decode func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: decoding it panicked: %v", ErrCorrupt, p)
		}
	}()
	if err := decode(); err != nil {
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return nil
}

func (r *Record) decode(data []byte) error {
	entries, err := codec.Entries(data)
	if err != nil {
		return err
	}
	r.Parts = joined(entries, func(e codec.Entry) bool { return r.field(e.Name) == nil })
	for _, e := range entries {
		into := r.field(e.Name)
		if into == nil || isNil(e.Value) {
			continue
		}
		if err := codec.MsgPack.Unmarshal(e.Value, into); err != nil {
			return fmt.Errorf("%s: %w", e.Name, err)
		}
	}
	return r.check()
}

// field is where a field belongs that is no part.
func (r *Record) field(name string) any {
	switch name {
	case fieldOwner:
		return &r.Owner
	case fieldEpoch:
		return &r.Epoch
	case fieldCreated:
		return &r.Created
	case fieldNeeds:
		return &r.Needs
	case fieldState:
		return &r.State
	}
	return nil
}

// maxHead is the longest beginning of a map.
const maxHead = 5

// isNil reports whether an encoding is a nil of msgpack, which stands for a field that is not there.
func isNil(value []byte) bool { return len(value) == 1 && value[0] == 0xc0 }

// check finds what no host writes. An owner becomes a part of subjects; and what says neither whose an actor is nor that
// there is one must not pass for an actor that is yet to be created.
func (r *Record) check() error {
	switch {
	case r.Owner != "" && !isHostID(r.Owner):
		return fmt.Errorf("its owner %.40q is no host", r.Owner)
	case !r.Created && r.Owner == "":
		return errors.New("it names no owner and no actor")
	case !r.Created && len(r.State) > 0:
		return errNotCreated
	}
	for _, feature := range r.Needs {
		if err := checkName("feature", feature); err != nil {
			return fmt.Errorf("needs: %w", err)
		}
	}
	return nil
}

// checkName is [troupe.CheckName] for what nobody has put in.
func checkName(kind, name string) error {
	if troupe.CheckName(kind, name) != nil {
		return fmt.Errorf("the %s has the name %.40q, which is none", kind, name)
	}
	return nil
}

var errNotCreated = errors.New("it has the state of an actor that is not created")

// isHostID reports whether text can be the id of a host: one subject token of at most 63 letters, digits, '_' and '-'.
func isHostID(text string) bool {
	return text != "" && troupe.CheckName("host", "h"+text) == nil // which may begin with a digit
}

// Append appends the encoding of a record. It is written with every change of an actor, so it is put together by hand.
func (r *Record) Append(b []byte) []byte {
	n, parts := r.Parts.split()
	b = codec.AppendMap(b, r.fields()+n)
	b = codec.AppendString(codec.AppendString(b, fieldOwner), r.Owner)
	if r.Epoch != 0 {
		b = codec.AppendUint(codec.AppendString(b, fieldEpoch), r.Epoch)
	}
	if r.Created {
		b = codec.AppendTrue(codec.AppendString(b, fieldCreated))
	}
	if len(r.Needs) > 0 {
		b = codec.AppendArray(codec.AppendString(b, fieldNeeds), len(r.Needs))
		for _, feature := range r.Needs {
			b = codec.AppendString(b, feature)
		}
	}
	if len(r.State) > 0 {
		b = codec.AppendBytes(codec.AppendString(b, fieldState), r.State)
	}
	return append(b, parts...)
}

// fields is how many fields are encoded that are no parts.
func (r *Record) fields() int {
	n := 1
	for _, there := range [...]bool{r.Epoch != 0, r.Created, len(r.Needs) > 0, len(r.State) > 0} {
		if there {
			n++
		}
	}
	return n
}

// without is the parts without one of them.
func (e Encoded) without(name string) Encoded {
	entries, _ := codec.Entries(e) // which Decode has done before
	return joined(entries, func(one codec.Entry) bool { return one.Name != name })
}

// joined are the entries that are wanted, as they are encoded.
func joined(entries []codec.Entry, wanted func(codec.Entry) bool) Encoded {
	n, size := 0, maxHead
	for _, e := range entries {
		if wanted(e) {
			n, size = n+1, size+len(e.Whole)
		}
	}
	if n == 0 {
		return nil
	}
	joined := codec.AppendMap(make([]byte, 0, size), n)
	for _, e := range entries {
		if wanted(e) {
			joined = append(joined, e.Whole...)
		}
	}
	return joined
}

// split is how many parts there are, and their names and encodings.
func (e Encoded) split() (n int, pairs []byte) {
	switch {
	case len(e) == 0:
		return 0, nil
	case e[0] < 0x90: // as codec.AppendMap begins a map of few
		return int(e[0] & 0x0f), e[1:]
	}
	return int(binary.BigEndian.Uint32(e[1:maxHead])), e[maxHead:]
}
