package wire_test

import (
	"math"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/wire"
)

const maxPayload = 1 << 20

func TestErrorsCrossTheWireWhole(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]*troupe.Error{
		"user":      troupe.NewError("sold_out", "nothing\nleft").With("left", int64(0)).With("of", "books"),
		"made here": {Code: troupe.CodeUnavailable, Message: "the host is stopping", Retryable: true},
		"no text":   {Code: troupe.CodeInternal},
		"long":      {Code: troupe.CodeInternal, Message: strings.Repeat("ü", 10_000)},
	} {
		for _, as := range []codec.Codec{codec.MsgPack, codec.JSON} {
			t.Run(name+" "+as.ContentType(), func(t *testing.T) {
				t.Parallel()
				reply, lost := wire.EncodeError(err, as, maxPayload)
				require.NoError(t, lost)
				require.NotContains(t, reply.Header.Get(wire.HeaderServiceError), "\n")
				require.LessOrEqual(t, len(reply.Header.Get(wire.HeaderServiceError)), 600)
				require.Equal(t, err, wire.DecodeError(reply))
			})
		}
	}
}

func TestMetadataThatCannotBeEncodedIsLeftOutAlone(t *testing.T) {
	t.Parallel()
	for _, as := range []codec.Codec{codec.MsgPack, codec.JSON} {
		err := troupe.NewError("full", "no room").With("left", 0).With("why", make(chan int)).With("text", "\xff").With("list", []int(nil))
		msg, cause := wire.EncodeError(err, as, 1<<20)
		require.ErrorContains(t, cause, `the metadata "why"`)
		require.ErrorContains(t, cause, `the metadata "text"`)
		require.Equal(t, map[string]any{"left": int64(0), "list": []any{}}, wire.DecodeError(msg).Metadata)
	}
}

func TestMetadataThatDoesNotFitIsLeftOut(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]any{"too large": strings.Repeat("x", maxPayload), "not encodable": make(chan int)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reply, lost := wire.EncodeError(troupe.NewError("full", "no room").With("value", value), codec.MsgPack, maxPayload)
			require.Error(t, lost)
			require.Equal(t, troupe.NewError("full", "no room"), wire.DecodeError(reply))
		})
	}
}

func TestOtherReplies(t *testing.T) {
	t.Parallel()
	require.Nil(t, wire.DecodeError(&nats.Msg{Data: []byte("x")}))
	require.Nil(t, wire.DecodeError(&nats.Msg{Header: nats.Header{"Content-Type": {"application/json"}}}))
	foreign := &nats.Msg{Header: nats.Header{wire.HeaderServiceError: {"bad day"}, wire.HeaderServiceErrorCode: {"500"}}}
	require.Equal(t, &troupe.Error{Code: troupe.CodeInternal, Message: "bad day"}, wire.DecodeError(foreign))
	for _, code := range []string{"a b", strings.Repeat("x", 65), "\xff", "1"} {
		noCode := &nats.Msg{Header: nats.Header{wire.HeaderErrorCode: {code}, wire.HeaderServiceError: {strings.Repeat("y", 10_000)}, wire.HeaderRetryable: {"1"}}}
		err := wire.DecodeError(noCode)
		require.ErrorIs(t, err, troupe.ErrInternal)
		require.False(t, err.Retryable)
		require.Less(t, len(err.Message), 1000)
	}
	unreadable, lost := wire.EncodeError(&troupe.Error{Code: "full", Message: "no \xff room"}, codec.MsgPack, maxPayload)
	require.NoError(t, lost)
	require.Equal(t, "no \uFFFD room", wire.DecodeError(unreadable).Message)
	hostile := &nats.Msg{Data: []byte{0xdd, 0xff, 0xff, 0xff, 0xff}, Header: nats.Header{wire.HeaderErrorCode: {"full"}, wire.HeaderServiceError: {"full: no room"}}}
	require.Equal(t, &troupe.Error{Code: "full", Message: "no room"}, wire.DecodeError(hostile))
}

func TestTimeouts(t *testing.T) {
	t.Parallel()
	require.Equal(t, "1", wire.FormatTimeout(-5))
	require.Equal(t, "1", wire.FormatTimeout(1))
	require.Equal(t, "9223372036855", wire.FormatTimeout(math.MaxInt64))
	require.Equal(t, "2", wire.FormatTimeout(1_000_001))
	require.Equal(t, "1500", wire.FormatTimeout(1_500_000_000))
	for value, want := range map[string]string{"": "30s", "-1": "0s", "0": "0s", "250": "250ms", "999999999999999": "24h0m0s"} {
		require.Equal(t, want, wire.ParseTimeout(value).String())
	}
}
