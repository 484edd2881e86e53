package codec

import (
	"encoding/binary"
	"time"
)

const timestampExt = -1

// The years 1 to 9999: the range of JSON times.
const (
	minTimestamp = -62135596800
	maxTimestamp = 253402300799
)

// time returns the time in a timestamp extension.
func (t token) time() (time.Time, error) {
	if t.kind != kindExt || t.ext != timestampExt {
		return time.Time{}, wrongKind("a timestamp", t)
	}
	var sec int64
	var nsec uint64
	switch len(t.body) {
	case 4:
		sec = int64(binary.BigEndian.Uint32(t.body))
	case 8:
		both := binary.BigEndian.Uint64(t.body)
		sec, nsec = int64(both&(1<<34-1)), both>>34
	case 12:
		sec, nsec = int64(binary.BigEndian.Uint64(t.body[4:])), uint64(binary.BigEndian.Uint32(t.body))
	default:
		return time.Time{}, faultf("a timestamp has 4, 8 or 12 bytes, not %d", len(t.body))
	}
	if sec < minTimestamp || sec > maxTimestamp || nsec > 999_999_999 {
		return time.Time{}, faultf("the timestamp is out of range")
	}
	return time.Unix(sec, int64(nsec)).UTC(), nil
}
