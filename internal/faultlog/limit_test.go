package faultlog_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/internal/bustest"
	"github.com/troupe-go/troupe/internal/faultlog"
)

func TestLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(*testing.T) {
		var logged bustest.Log
		lines := func(of string) int { return strings.Count(logged.String(), of) }
		l := faultlog.Limit(slog.New(slog.NewTextHandler(&logged, nil)))
		room := l.With(slog.String("actor_type", "room"))
		for i := range 1000 {
			room.Error("an action failed", slog.String("action", "say"), slog.Int("number", i))
		}
		require.Equal(t, 30, lines("action=say"))
		require.Equal(t, 1, lines("number=29"))
		room.WithGroup("g").Error("an action failed", slog.String("action", "read"))
		l.Error("an action failed", slog.String("actor_type", "other"), slog.String("action", "say"))
		require.Equal(t, 1, lines("action=read"), "another action")
		require.Equal(t, 1, lines("actor_type=other"), "another type")
		require.Zero(t, lines("left_out"))
		time.Sleep(time.Minute) //nolint:forbidigo // virtual time
		room.Error("an action failed", slog.String("action", "say"))
		room.Error("an action failed", slog.String("action", "say"))
		require.Equal(t, 1, lines("left_out=970"))
	})
}

// TestLimitOfKinds logs lines of more kinds than are told apart.
func TestLimitOfKinds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(*testing.T) {
		var logged bustest.Log
		l := faultlog.Limit(slog.New(slog.NewTextHandler(&logged, nil)))
		for i := range 10_000 {
			l.Error(fmt.Sprintf("fault %d", i))
		}
		require.Equal(t, 256+30, strings.Count(logged.String(), "\n"))
		time.Sleep(time.Minute) //nolint:forbidigo // virtual time
		l.Error("another fault")
		require.True(t, logged.Contains("another fault"))
	})
}
