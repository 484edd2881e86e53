package commit

import "sync/atomic"

// Tables bounds what the actors of a host know in memory of the archive.
type Tables struct {
	limit int64 // bytes
	bytes atomic.Int64
}

// NewTables returns the Tables of a host.
func NewTables(limit int64) *Tables { return &Tables{limit: limit} }

// Full reports whether nothing more may be added.
func (t *Tables) Full() bool { return t != nil && t.bytes.Load() >= t.limit }

// crowded reports whether actors at rest must forget what can be read again.
func (t *Tables) crowded() bool { return t != nil && t.bytes.Load() >= t.limit/2 }

func (t *Tables) add(bytes int64) {
	if t != nil {
		t.bytes.Add(bytes)
	}
}
