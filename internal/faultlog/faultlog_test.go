package faultlog_test

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/internal/bustest"
	"github.com/troupe-go/troupe/internal/faultlog"
)

func TestFaultThatLasts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var logged bustest.Log
		lines := func() int { return strings.Count(logged.String(), "\n") }
		l := faultlog.New(slog.New(slog.NewTextHandler(&logged, nil)))
		l.Works("writing failed")
		require.Zero(t, lines())

		err := errors.New("no room: 7")
		l.Failed("writing failed", "no room", err, slog.String("host", "a"))
		require.Contains(t, logged.String(), `level=WARN msg="writing failed" host=a error="no room: 7"`+"\n")
		for range 600 { // three minutes, of two things with one cause
			time.Sleep(300 * time.Millisecond) //nolint:forbidigo // in a bubble
			l.Failed("renewing failed", "no room", err)
			l.Works("writing failed") // some of it
		}
		require.Equal(t, 1+3, lines(), logged.String())
		require.Contains(t, logged.String(), `msg="renewing failed" error="no room: 7" failures=201 for=1m0s`)

		l.Failed("reading failed", "", err) // another one
		l.Failed("reading failed", "", err)
		require.Equal(t, 5, lines(), logged.String())

		l.Works("writing failed")
		time.Sleep(5 * time.Second) //nolint:forbidigo // in a bubble
		l.Works("something else")
		require.Equal(t, 5, lines(), logged.String())
		l.Works("renewing failed", slog.String("host", "a"))
		require.Equal(t, 6, lines(), logged.String())
		require.Contains(t, logged.String(), `level=INFO msg="a fault is over" host=a cause="no room" failures=601 for=3m5s`)
		l.Works("reading failed")
		require.Contains(t, logged.String(), `msg="a fault is over" cause="reading failed" failures=2 for=5s`)

		l.Failed("writing failed", "no room", err)
		require.Equal(t, 8, lines(), logged.String())
	})
}

func TestNoLog(t *testing.T) {
	t.Parallel()
	var none *faultlog.Log
	none.Failed("writing failed", "", errors.New("x"))
	none.Works("writing failed")
}
