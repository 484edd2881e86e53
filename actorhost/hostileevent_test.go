package actorhost_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
)

// TestHostileEvents publishes what no actor does to an actor that listens.
func TestHostileEvents(t *testing.T) {
	s := startHostileServer(t)
	a := troupe.GetOrCreate[probe](s.client, "a")
	require.NoError(t, call(t.Context(), listenTo, a, "other"))
	nc := s.connect(t)
	spy, err := nc.SubscribeSync("$KV.troupe-actors.probe.victim")
	require.NoError(t, err)
	good := encoded(t, probeItem{Name: "x"})
	hostile := []*nats.Msg{
		{}, {Data: []byte{0xdd, 0xff, 0xff, 0xff, 0xff}}, {Data: []byte{0xc0}}, {Data: []byte{0x90}}, {Data: append(bytes.Clone(good), 0xc0)},
		{Data: bytes.Repeat([]byte{0x91}, 1<<20)}, {Data: bytes.Repeat([]byte("\x81\xa4next"), 170_000)}, {Data: make([]byte, 7<<20)},
		{Data: []byte("{"), Header: nats.Header{"Content-Type": {"application/json"}}},
		{Data: bytes.Repeat([]byte("["), 1<<20), Header: nats.Header{"Content-Type": {"application/json"}}},
		{Data: good, Header: nats.Header{"Content-Type": {"text/plain"}}},
		{Data: []byte{0xc1}, Reply: "$KV.troupe-actors.probe.victim", Header: nats.Header{"Troupe-Timeout": {"0"}, "Troupe-Reply-To": {"x"}}},
	}
	heard := 0
	pass := func(times int) {
		for range times {
			for _, msg := range hostile {
				msg.Subject = "troupe.event.probe.other.happened"
				require.NoError(t, nc.PublishMsg(msg))
			}
			require.NoError(t, nc.Publish("troupe.event.probe.other.happened", good))
			heard++
			require.Eventually(t, func() bool {
				got, err := heardSoFar.Call(t.Context(), a, nil)
				return err == nil && got == heard
			}, 20*time.Second, time.Millisecond, "the good one is heard, and no other")
		}
		s.requireUnharmed(t)
	}
	pass(1)
	before := heap()
	pass(20)
	require.Less(t, heap(), before+16<<20)
	require.Zero(t, pending(t, spy))
}
