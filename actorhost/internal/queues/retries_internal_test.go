package queues

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRetriesDouble(t *testing.T) {
	t.Parallel()
	for attempts, want := range map[int]time.Duration{
		1: time.Second, 2: 2 * time.Second, 9: 256 * time.Second, 10: 5 * time.Minute, 20: 5 * time.Minute, 1000: 5 * time.Minute,
	} {
		require.Equal(t, want, DefaultRetries.After(attempts), attempts)
	}
	long := Retries{First: 10 * time.Second, Most: 24 * time.Hour}
	require.Equal(t, 40*time.Second, long.After(3))
	require.Equal(t, 24*time.Hour, long.After(40), "without an overflow")
}
