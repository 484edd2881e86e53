package store_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/internal/store"
)

// FuzzAnswers: whatever a message is, reading it is safe, and what was appended comes back.
func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{
		"", "\x01", "\x01\x00", "\x01\x01a", "\x01\x01a\x02bc", "\x02\x01a", "\x01\x80", "\x01\x80\x00",
		"\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "\x01\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
	} {
		f.Add([]byte(seed), uint32(1))
		f.Add([]byte(seed), ^uint32(0))
	}
	f.Fuzz(func(t *testing.T, data []byte, offset uint32) {
		if block, err := store.BlockAt(data, offset); err != nil {
			require.ErrorIs(t, err, store.ErrBadAnswers)
			require.Nil(t, block)
		} else {
			require.NotNil(t, block)
			require.True(t, bytes.Contains(data, block))
			require.Equal(t, len(block), cap(block), "an append must not write into the next block")
		}
		var group []byte
		offsets := make(map[uint32][]byte)
		for part := range bytes.SplitSeq(data, []byte{0}) {
			longer, at, ok := store.AppendBlock(group, part)
			if !ok {
				require.Greater(t, len(group)+len(part), 15<<10)
				break
			}
			group, offsets[at] = longer, part
		}
		for at, want := range offsets {
			got, err := store.BlockAt(group, at)
			require.NoError(t, err)
			require.Equal(t, string(want), string(got))
		}
	})
}
