package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actorhost"
)

// speak starts the verb, and speaks with it over its stdin and stdout.
func speak(t *testing.T, p program, args ...string) (session *mcp.ClientSession, end func() (code int, complaints string)) {
	t.Helper()
	in, toStdin := io.Pipe()
	fromStdout, out := io.Pipe()
	ended := make(chan int, 1)
	var complaints bytes.Buffer
	go func() {
		ended <- run(t.Context(), p.args(append([]string{"mcp"}, args...)), terminal{in: in, out: out, err: &complaints})
		_ = out.Close()
	}()
	session, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "v0"}, nil).
		Connect(t.Context(), &mcp.IOTransport{Reader: fromStdout, Writer: toStdin}, nil)
	require.NoError(t, err)
	return session, func() (int, string) {
		_ = toStdin.Close()
		_ = session.Close()
		return <-ended, complaints.String()
	}
}

func TestMCP(t *testing.T) {
	t.Parallel()
	p := at(startBus(t, actorhost.Config{}))
	for range 2 { // another program of the same user repeats the call
		session, end := speak(t, p, "--write")
		result, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: "call_room_add", Arguments: map[string]any{"key": "a", "input": 3}})
		require.NoError(t, err)
		var out struct{ Output int }
		require.NoError(t, json.Unmarshal([]byte(result.Content[0].(*mcp.TextContent).Text), &out))
		require.Equal(t, 3, out.Output)
		code, complaints := end()
		require.Equal(t, exitOK, code, complaints)
		require.Empty(t, complaints)
	}
	session, end := speak(t, p)
	tools, err := session.ListTools(t.Context(), nil)
	require.NoError(t, err)
	require.Len(t, tools.Tools, 8)
	for _, tool := range tools.Tools {
		require.True(t, tool.Annotations.ReadOnlyHint, tool.Name)
	}
	code, complaints := end()
	require.Equal(t, exitOK, code, complaints)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Equal(t, exitUsage, p.run(ctx, "mcp", "--type", "room").code)
}
