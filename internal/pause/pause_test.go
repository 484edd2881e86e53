package pause_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/internal/pause"
)

func TestFor(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name          string
		wait, timeout time.Duration
		took          time.Duration
		goOn          bool
	}{
		{"the time is over first", time.Second, time.Hour, time.Second, true},
		{"the context is done first", time.Hour, time.Second, time.Second, false},
		{"the context is done before", time.Hour, 0, 0, false},
		{"there is nothing to wait for", 0, time.Hour, 0, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), test.timeout)
				defer cancel()
				began := time.Now()
				require.Equal(t, test.goOn, pause.For(ctx, test.wait))
				require.Equal(t, test.took, time.Since(began))
			})
		})
	}
}
