package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actorhost"
)

func TestInspect(t *testing.T) {
	t.Parallel()
	p := at(startBus(t, actorhost.Config{Name: "one"}))
	require.Equal(t, exitOK, p.run(t.Context(), "call", "room", "a", "add", "1").code)
	ctx, cancel := context.WithCancel(t.Context())
	out, told := io.Pipe()
	ended := make(chan int, 1)
	var complaints bytes.Buffer
	go func() {
		ended <- run(ctx, p.args([]string{"inspect", "--listen", "127.0.0.1:0", "--host", "ops.example.com", "--json"}), terminal{out: told, err: &complaints})
	}()
	var line struct{ URL string }
	require.NoError(t, json.NewDecoder(out).Decode(&line))
	for host, want := range map[string]int{"": http.StatusOK, "ops.example.com": http.StatusOK, "example.com": http.StatusMisdirectedRequest} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, line.URL+"actor?type=room&key=a", nil)
		require.NoError(t, err)
		if host != "" {
			request.Host = host
		}
		answer, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
		require.NoError(t, err)
		require.Equal(t, want, answer.StatusCode, host)
		require.NoError(t, answer.Body.Close())
	}
	cancel()
	require.Equal(t, exitOK, <-ended, complaints.String())
	require.Equal(t, exitUsage, p.run(t.Context(), "inspect", "--listen", "nowhere").code)
}
