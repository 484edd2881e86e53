package bus_test

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/bus"
)

// gatherer is one whose batches for a receiver come on its name, and numbers on answers.
func gatherer(t *testing.T, nc *nats.Conn) (*bus.Gatherer, func(subject string) *nats.Subscription) {
	t.Helper()
	g := bus.NewGatherer(nc, bus.GathererOptions{
		Subject: func(to string) string { return to + "batch" },
		Short:   true,
		Failed:  func(to string, _ uint64, err error) { t.Errorf("sending to %s: %v", to, err) },
	})
	return g, func(subject string) *nats.Subscription {
		sub, err := nc.SubscribeSync(subject)
		require.NoError(t, err)
		return sub
	}
}

func TestGathererSendsTogetherAndInOrder(t *testing.T) {
	t.Parallel()
	nc := connect(t)
	g, subscribe := gatherer(t, nc)
	ann, bob := subscribe("ann.>"), subscribe("bob.>")
	const messages = 600
	var got, want []string
	for i := range messages {
		msg := &nats.Msg{Subject: "ann.id", Reply: "r", Header: nats.Header{"K": {"v", "w"}, "L": {""}}, Data: []byte{byte(i), byte(i >> 8)}}
		if i%100 == 50 {
			msg.Data = append(msg.Data, make([]byte, 10<<10)...) // too large to wait
		}
		want = append(want, string(msg.Data))
		require.NoError(t, g.Add("ann.", msg, true, nil))
		clear(msg.Data)
	}
	require.NoError(t, g.Add("bob.", &nats.Msg{Subject: "bob.id", Data: []byte("alone")}, false, nil))
	require.NoError(t, nc.Flush())

	for len(got) < messages {
		msg, err := ann.NextMsg(10 * time.Second)
		require.NoError(t, err)
		all := []nats.Msg{*msg}
		if msg.Subject == "ann.batch" {
			require.LessOrEqual(t, len(msg.Data), 32<<10)
			all, err = bus.ParseBatch(nil, msg.Data)
			require.NoError(t, err)
			require.Greater(t, len(all), 1)
		}
		for _, one := range all {
			require.Contains(t, []string{"id", "ann.id"}, one.Subject)
			require.Equal(t, "r", one.Reply)
			require.Equal(t, nats.Header{"K": {"v", "w"}, "L": {""}}, one.Header)
			got = append(got, string(one.Data))
		}
	}
	require.Equal(t, want, got)
	msg, err := bob.NextMsg(10 * time.Second)
	require.NoError(t, err)
	require.Equal(t, "bob.id", msg.Subject)
	require.Equal(t, "alone", string(msg.Data))
	pending, _, err := ann.Pending()
	require.NoError(t, err)
	require.Zero(t, pending)
}

func TestParseBatchTakesNothingElse(t *testing.T) {
	t.Parallel()
	good := []byte("\x02" + "\x01a\x00\x00\x02xy" + "\x01b\x01r\x01\x01k\x02vv\x00")
	messages, err := bus.ParseBatch(nil, good)
	require.NoError(t, err)
	require.Equal(t, []nats.Msg{
		{Subject: "a", Data: []byte("xy")},
		{Subject: "b", Reply: "r", Header: nats.Header{"k": {"vv"}}, Data: []byte{}},
	}, messages)
	for n := range good {
		_, err := bus.ParseBatch(nil, good[:n])
		require.Error(t, err, n)
	}
	for _, bad := range []string{
		string(good) + "\x00", "\x01" + string(good[1:]), "\x03" + string(good[1:]),
		"\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "\x01\x00\x00\x7f\x00",
	} {
		_, err := bus.ParseBatch(nil, []byte(bad))
		require.Error(t, err, "%q", bad)
	}
}

// What says that it has many headers and has none must not make room for them.
func TestParseBatchMakesNoRoomForWhatIsNotThere(t *testing.T) {
	rest := binary.AppendUvarint(nil, 100_000-3) // a key that takes all there is
	rest = append(rest, make([]byte, 100_000-3)...)
	batch := append(binary.AppendUvarint([]byte("\x01\x00\x00"), uint64(len(rest))), rest...)
	allocations := testing.AllocsPerRun(10, func() {
		_, err := bus.ParseBatch(nil, batch)
		require.Error(t, err)
	})
	require.Less(t, allocations, 10.)
}
