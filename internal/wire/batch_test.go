package wire_test

import (
	"encoding/binary"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/internal/wire"
)

func TestParseBatchTakesNothingElse(t *testing.T) {
	t.Parallel()
	good := []byte("\x02" + "\x01a\x00\x00\x02xy" + "\x01b\x01r\x01\x01k\x02vv\x00")
	messages, err := wire.ParseBatch(nil, good)
	require.NoError(t, err)
	require.Equal(t, []wire.Message{
		{Subject: "a", Data: []byte("xy")},
		{Subject: "b", Reply: "r", Header: wire.Header{{Name: "k", Value: "vv"}}, Data: []byte{}},
	}, messages)
	for n := range good {
		_, err := wire.ParseBatch(nil, good[:n])
		require.Error(t, err, n)
	}
	for _, bad := range []string{
		string(good) + "\x00", "\x01" + string(good[1:]), "\x03" + string(good[1:]),
		"\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "\x01\x00\x00\x7f\x00",
	} {
		_, err := wire.ParseBatch(nil, []byte(bad))
		require.Error(t, err, "%q", bad)
	}
}

func TestHeadersInABatch(t *testing.T) {
	t.Parallel()
	many := make(wire.Header, 300) // their number takes two bytes
	for i := range many {
		many[i] = wire.HeaderField{Name: "a", Value: strconv.Itoa(i)}
	}
	var batch []byte
	headers := []wire.Header{nil, {{"a", "1"}, {"b", "2"}, {"b", "3"}}, many, {{"b", ""}}}
	for i, header := range headers {
		batch = wire.AppendToBatch(batch, i, "s", &wire.Message{Header: header, Data: []byte("x")})
	}
	messages, err := wire.ParseBatch(nil, batch)
	require.NoError(t, err)
	for i := range messages {
		require.Equal(t, headers[i], messages[i].Header, i)
		require.Equal(t, "x", string(messages[i].Data))
	}
	messages[1].Header = messages[1].Header.With("c", "of one alone")
	require.Equal(t, []wire.Header{messages[2].Header, messages[3].Header}, headers[2:])
}

// A message that claims many headers and has none must not allocate room for them.
func TestParseBatchMakesNoRoomForWhatIsNotThere(t *testing.T) {
	rest := binary.AppendUvarint(nil, 100_000-3) // a key that takes all the bytes
	rest = append(rest, make([]byte, 100_000-3)...)
	batch := append(binary.AppendUvarint([]byte("\x01\x00\x00"), uint64(len(rest))), rest...)
	allocations := testing.AllocsPerRun(10, func() {
		_, err := wire.ParseBatch(nil, batch)
		require.Error(t, err)
	})
	require.Less(t, allocations, 10.)
}
