package wire_test

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/wire"
)

func FuzzParseRequestID(f *testing.F) {
	for _, seed := range []string{"_INBOX.a.id.z.y", "a.id.1.1", ".id.1.1", "a.id.3w5e11264sgsf.0", "a.id.1.2", "a.id.id.1.1", "a.id.Z.0"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, reply string) {
		id, ok := wire.ParseRequestID(reply)
		if !ok {
			require.Zero(t, id)
			return
		}
		require.Positive(t, id.Number)
		require.LessOrEqual(t, id.Floor, id.Number)
		other, ok := wire.ParseRequestID("x" + reply)
		require.True(t, ok)
		require.NotEqual(t, id.Caller, other.Caller)
	})
}

func FuzzIsInbox(f *testing.F) {
	for _, seed := range []string{"_INBOX.a", "$KV.a", "troupe.call.a.b", "troupe", "a b", "a..b", "a.*", ".a", "a.", "troupes.a", "a\r\nPUB b 0"} {
		f.Add(seed)
	}
	ns, _ := wire.NewNamespace("")
	f.Fuzz(func(t *testing.T, subject string) {
		if !ns.IsInbox(subject) {
			return
		}
		_, isCall := ns.ParseCall(subject)
		require.False(t, isCall)
		require.False(t, strings.ContainsAny(subject, " \t\r\n\x00*>") || strings.HasPrefix(subject, "$") || len(subject) > 1024)
		for token := range strings.SplitSeq(subject, ".") {
			require.NotEmpty(t, token)
		}
	})
}

func FuzzTimeout(f *testing.F) {
	for _, seed := range []string{"", "0", "250", "-1", "+5", "1e3", "99999999999999999999", "9223372036854775807"} {
		f.Add(seed, int64(0))
	}
	f.Add("", int64(1<<63-1))
	f.Add("", int64(-1<<63))
	f.Fuzz(func(t *testing.T, value string, left int64) {
		parsed := wire.ParseTimeout(value)
		require.True(t, 0 <= parsed && parsed <= 24*time.Hour)
		back := wire.ParseTimeout(wire.FormatTimeout(time.Duration(left)))
		want := min(max(time.Duration(left), time.Millisecond), 24*time.Hour)
		require.True(t, want <= back && back < want+time.Millisecond, "%v became %v", want, back)
	})
}

// FuzzDecodeError decodes any reply. An error reads the same after it has crossed the wire once more.
func FuzzDecodeError(f *testing.F) {
	for _, as := range []codec.Codec{codec.MsgPack, codec.JSON} {
		reply, err := wire.EncodeError(troupe.NewError("full", "no room").With("left", 3), as, maxPayload)
		require.NoError(f, err)
		f.Add("full", "full: no room", "actor", "1", as.ContentType(), reply.Data)
	}
	f.Add("", "bad day", "", "", "", []byte(nil))
	f.Add("a b", "x", "actor", "", "text/plain", []byte{0xdd, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, code, text, origin, retryable, contentType string, body []byte) {
		err := wire.DecodeError(&nats.Msg{Data: body, Header: nats.Header{
			wire.HeaderErrorCode: {code}, wire.HeaderServiceError: {text}, wire.HeaderErrorOrigin: {origin},
			wire.HeaderRetryable: {retryable}, wire.HeaderContentType: {contentType},
		}})
		if err == nil {
			require.Empty(t, code+text)
			return
		}
		require.NoError(t, troupe.CheckName("error code", string(err.Code)))
		again, lost := wire.EncodeError(err, codec.MsgPack, maxPayload)
		require.NoError(t, lost)
		for _, values := range again.Header {
			require.False(t, strings.ContainsAny(values[0], "\r\n") || len(values[0]) > 600)
		}
		back := wire.DecodeError(again)
		require.Equal(t, strings.ToValidUTF8(err.Message, "\uFFFD"), back.Message)
		require.Equal(t, []any{err.Code, err.FromActor, err.Retryable, len(err.Metadata)}, []any{back.Code, back.FromActor, back.Retryable, len(back.Metadata)})
	})
}

// FuzzParseBatch parses any bytes. What it accepts is a batch whose parts are all within those bytes.
func FuzzParseBatch(f *testing.F) {
	for _, seed := range []string{"", "\x00", "\x01a\x00\x00\x00", "\x02" + "\x01a\x00\x00\x02xy" + "\x01b\x01r\x01\x01k\x02vv\x00", "\x01\x00\x00\x7f\x00"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, batch []byte) {
		messages, err := wire.ParseBatch(nil, batch)
		if err != nil {
			require.Nil(t, messages)
			return
		}
		require.Len(t, messages, int(batch[0]))
		size := 0
		for _, m := range messages {
			size += len(m.Subject) + len(m.Reply) + len(m.Data)
			for _, f := range m.Header {
				size += len(f.Name) + len(f.Value)
			}
		}
		require.LessOrEqual(t, size, len(batch))
	})
}
