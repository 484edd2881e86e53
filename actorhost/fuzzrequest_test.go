package actorhost_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/wire"
)

func inJSON(t *testing.T, value any) string {
	t.Helper()
	text, err := codec.JSON.Append(nil, value)
	require.NoError(t, err)
	return string(text)
}

// FuzzRequest calls an actor that answers with its input, with any headers and any body. The answer is the same value, in
// the encoding that it names, or an error of those that a request can be to blame for. The host goes on.
func FuzzRequest(f *testing.F) {
	s := startHostileServer(f)
	w := s.wire(f)
	for _, header := range []string{
		"", asJSON, "content-type: application/json\r\n", "Content-Type: application/msgpack\r\n",
		"Content-Type: application/json; charset=utf-8\r\n", "Content-Type: application/json; charset=latin1\r\n",
		"Troupe-Timeout: 5000\r\ntroupe-timeout: 6000\r\n", "Troupe-Timeout: 500ms\r\n", "Troupe-Existing: true\r\n",
		"TROUPE-ATTEMPT: 2\r\nTroupe-Request-Id: x\r\n", "Troupe-Attempt: 2\r\n", "Troupe-Call: _INBOX.x.id.1.1\r\n",
		"Troupe-Connection: c1\r\n", "Troupe-Chain: probe.b,probe\r\n",
	} {
		for _, body := range []string{"5", "15", "{\"a\":[1,1.5,null,\"\\ud83d\\ude00\"]}", "\x81\xa1a\x92\x01\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00", "\xa1\xff", "\"\xff\""} {
			f.Add(header, len(body)%2 == 0, []byte(body))
		}
	}
	sent := 0
	f.Fuzz(func(t *testing.T, header string, numbered bool, body []byte) {
		if strings.Contains(header, "\r\n\r\n") || header != "" && !strings.HasSuffix(header, "\r\n") {
			t.Skip("the end of the headers is another")
		}
		sent++
		inbox := "_INBOX.wire." + strconv.Itoa(sent)
		if numbered {
			inbox = "_INBOX.wire.id." + strconv.FormatInt(int64(sent), 36) + ".0"
		}
		require.NoError(t, w.conn.SetDeadline(time.Now().Add(10*time.Second)))
		w.publish(t, "troupe.route.probe.a.echo", inbox, header, body)
		reply := w.read(t)
		require.Equal(t, inbox, reply.Subject)
		as, err := wire.BodyCodec(reply)
		require.NoError(t, err)
		if failed := wire.DecodeError(reply); failed != nil {
			require.Contains(t, []troupe.Code{
				troupe.CodeBadInput, troupe.CodeDeadlineExceeded, troupe.CodeNotFound, troupe.CodeUnavailable, troupe.CodeCallCycle, troupe.CodeChainTooLong,
				troupe.CodeOutcomeUnknown,
			}, failed.Code, failed.Message)
			require.NotContains(t, failed.Message, "panic")
			require.Less(t, len(failed.Message), 8<<10)
			var told any
			require.NoError(t, as.Unmarshal(reply.Data, &told))
			s.requireUnharmed(t)
			return
		}
		var in, out any
		require.NoError(t, as.Unmarshal(body, &in), "it was answered in another encoding")
		require.NoError(t, as.Unmarshal(reply.Data, &out))
		if as == codec.JSON { // where 1E13 is 10000000000000
			in, out = inJSON(t, in), inJSON(t, out)
		}
		require.Equal(t, fmt.Sprintf("%#v", in), fmt.Sprintf("%#v", out)) // which takes NaN for the same
		s.requireUnharmed(t)
	})
}
