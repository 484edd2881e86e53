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

func TestAppendOfMapsDoesNotAllocate(t *testing.T) {
	v := &struct {
		Few    map[string]int
		Nested map[uint8]map[string]sample
	}{map[string]int{"b": 2, "a": 1}, map[uint8]map[string]sample{2: {"y": *newSample(), "x": {}}, 1: {"z": {}}}}
	dst := make([]byte, 0, 1024)
	require.Zero(t, testing.AllocsPerRun(100, func() { _, _ = codec.MsgPack.Append(dst, v) }))
}
