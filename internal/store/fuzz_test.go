package store_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
)

func FuzzParseAck(f *testing.F) {
	for _, seed := range []string{
		`{"stream":"KV_a","seq":5}`, `{"seq":0}`, `{"stream":"KV_a","domain":"x","seq":12,"duplicate":true}`, `{"error":{"code":400,"err_code":10071}}`,
		`{"stream":"\"seq\":7,","seq":1}`, `{"seq":18446744073709551615}`, `{"seq":-1}`, `{}`, `null`, ``, `{"seq":1`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		sequence, err := store.ParseAck(&nats.Msg{Data: data})
		if err != nil {
			require.Zero(t, sequence)
			return
		}
		require.Positive(t, sequence)
		var ack struct {
			Seq   uint64 `json:"seq"`
			Error any    `json:"error"`
		}
		if json.Unmarshal(data, &ack) == nil && strings.Count(string(data), "seq") == 1 && !strings.Contains(strings.ToLower(string(data)), "error") {
			require.Equal(t, ack.Seq, sequence)
		}
	})
}

func FuzzParseGroup(f *testing.F) {
	var group []byte
	for i, state := range []string{"", "a", strings.Repeat("b", 300)} {
		id, _ := troupe.NewID("room", strings.Repeat("k", i))
		group, _ = store.AppendChange(group, id, record.Record{Owner: "h", Created: true, State: []byte(state), Revision: 1 << (20 * i)})
		f.Add(group)
	}
	f.Add([]byte{0x80})
	f.Add([]byte("\x04room\x01\xff\xff\xff\xff"))
	f.Add([]byte("\x03a.>\x01\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, group []byte) {
		changes, err := store.ParseGroup(group)
		if err != nil {
			require.Empty(t, changes)
			return
		}
		size := 0
		for _, c := range changes {
			_, err := troupe.ParseID(c.Tokens)
			require.NoError(t, err)
			size += len(c.Tokens) + len(c.Record)
		}
		require.LessOrEqual(t, size, len(group))
	})
}
