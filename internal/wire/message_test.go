package wire_test

import (
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/internal/wire"
)

func TestMessageTravelsAsNATSTakesIt(t *testing.T) {
	t.Parallel()
	var memory wire.NATSMessage
	for _, m := range []wire.Message{
		{Subject: "s", Reply: "r", Header: wire.Header{{"a", "1"}, {"b", "2"}, {"b", "3"}, {"c", ""}}, Data: []byte("x")},
		{Subject: "s", Data: []byte("y")}, // nothing is left of the one before
		{Header: wire.Header{{"b", "4"}}},
	} {
		msg := m.NATS(&memory)
		back := wire.MessageOf(msg)
		require.ElementsMatch(t, m.Header, back.Header)
		back.Header = m.Header
		require.Equal(t, m, back)
		require.Equal(t, msg.Size(), m.Size())
		require.Equal(t, len(m.Header) == 0, msg.Header == nil)
	}
}

func TestHeadersAreSet(t *testing.T) {
	t.Parallel()
	var h wire.Header
	h = h.With("a", "1")
	h = h.With("b", "2")
	h = h.With("a", "3")
	require.Equal(t, wire.Header{{"a", "3"}, {"b", "2"}}, h)
	require.Equal(t, []string{"3", "2", ""}, []string{h.Get("a"), h.Get("b"), h.Get("A")})
	require.Equal(t, "v", wire.MessageOf(&nats.Msg{Header: nats.Header{"K": {"v", "w"}}}).Header.Get("K"))
}
