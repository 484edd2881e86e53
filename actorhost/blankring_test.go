package actorhost_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actorhost/hosttest"
)

// An alarm that rings for nothing wakes nobody: it costs a look at the record, the next alarm, and an ack.
func TestBlankRingWakesNobody(t *testing.T) {
	for name, undo := range map[string]struct {
		plan func(t *testing.T, d Logbook)
		want map[string]int
	}{
		"moved": {func(t *testing.T, d Logbook) {
			t.Helper()
			_, err := Plan.Call(t.Context(), d, plan{Text: "moved", Name: "expiry", After: time.Hour})
			require.NoError(t, err)
		}, map[string]int{"record read": 1, "alarm set": 1, "ring": 1, "ack": 1}},
		"cancelled": {func(t *testing.T, d Logbook) {
			t.Helper()
			require.True(t, callOf(t, Cancel, d, "expiry"))
		}, map[string]int{"record read": 1, "ring": 1, "ack": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, func(t *testing.T, b *hosttest.Bus, d Logbook) {
				t.Helper()
				_, err := Plan.Call(t.Context(), d, plan{Text: "soon", Name: "expiry", After: 10 * time.Second})
				require.NoError(t, err)
				undo.plan(t, d)
				require.NoError(t, sleepNow(t, d))
				advance(time.Second)
				counts := countMessages(t, b.Connect())
				advance(10 * time.Second)
				require.Equal(t, undo.want, counts())
			})
		})
	}
}

// countMessages counts what is sent about actors, and returns what tells.
func countMessages(t *testing.T, nc *nats.Conn) func() map[string]int {
	t.Helper()
	var mu sync.Mutex
	counts := map[string]int{}
	_, err := nc.Subscribe(">", func(msg *nats.Msg) {
		var what string
		switch s := msg.Subject; {
		case strings.HasPrefix(s, "$JS.API.DIRECT.GET.KV_troupe-actors"):
			what = "record read"
		case strings.HasPrefix(s, "$JS.API.DIRECT.GET.troupe-due"):
			what = "alarm read"
		case strings.HasPrefix(s, "troupe.alarm."):
			what = "alarm set"
		case strings.HasPrefix(s, "$JS.ACK.troupe-due.") && string(msg.Data) != "+WPI": // it is in progress
			what = "ack"
		case strings.HasPrefix(s, "$KV.troupe-actors."):
			what = "record written"
		case strings.HasPrefix(s, "troupe.call."), strings.HasPrefix(s, "troupe.route."):
			what = "call"
		case strings.HasPrefix(s, "troupe.due."):
			what = "ring"
		default:
			return
		}
		mu.Lock()
		defer mu.Unlock()
		counts[what]++
	})
	require.NoError(t, err)
	require.NoError(t, nc.Flush())
	return func() map[string]int { mu.Lock(); defer mu.Unlock(); return counts }
}
