//go:build !race

package codec_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/codec"
)

// The race detector makes pools drop items.
func TestAppendDoesNotAllocate(t *testing.T) {
	v := newSample()
	dst := make([]byte, 0, 256)
	require.Zero(t, testing.AllocsPerRun(100, func() { _, _ = codec.MsgPack.Append(dst, v) }))
}
