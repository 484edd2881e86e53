package mcptools_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/mcptools"
	"github.com/troupe-go/troupe/internal/wire"
)

func TestMain(m *testing.M) { hosttest.Main(m) }

// shelf is the actor type of these tests.
type shelf struct{ troupe.Ref }

func (shelf) ActorType() string { return "shelf" }

type delivery struct {
	Pieces int    `json:"pieces"`
	From   string `json:"from,omitempty"`
}

var (
	stock  = troupe.NewAction[shelf, delivery, int]("stock")
	left   = troupe.NewAction[shelf, troupe.None, int]("left")
	drop   = troupe.NewAction[shelf, troupe.None, troupe.None]("drop")
	broken = troupe.NewAction[shelf, troupe.None, troupe.None]("broken")
	audit  = troupe.NewWorkflow[shelf, int, int]("audit")
	long   = troupe.NewAction[shelf, troupe.None, troupe.None](strings.Repeat("l", 64))
)

type shelfState struct{ Pieces int }

func shelves() actorhost.Definition {
	return actorhost.Define(func() shelfState { return shelfState{} },
		actorhost.On(stock, func(s *shelfState, _ *actorhost.Context, d delivery) (int, error) {
			s.Pieces += d.Pieces
			return s.Pieces, nil
		}),
		actorhost.On(left, actorhost.NoIn(func(s *shelfState, _ *actorhost.Context) (int, error) { return s.Pieces, nil })),
		actorhost.On(drop, actorhost.NoInNoOut(func(*shelfState, *actorhost.Context) error {
			return troupe.NewError("glued", "nothing falls").With("shelf", 7)
		})),
		actorhost.On(broken, actorhost.NoInNoOut(func(*shelfState, *actorhost.Context) error { return errors.New("broken") })),
		actorhost.On(long, actorhost.NoInNoOut(func(*shelfState, *actorhost.Context) error { return nil })),
		actorhost.OnWorkflow(audit, func(w *actorhost.Flow[shelfState], n int) (int, error) {
			return actorhost.Step(w, "count", func(*actorhost.StepContext) (int, error) { return n + 1, nil })
		}),
	)
}

// model is a program with a language model.
type model struct {
	t       *testing.T
	session *mcp.ClientSession
}

func connect(t *testing.T, b *hosttest.Bus, who string, types ...string) model {
	t.Helper()
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	config := mcptools.Config{Namespace: ns, Version: "v0", Timeout: 10 * time.Second, Who: who, Types: types}
	if who != "" {
		config.Caller = b.NewClient(client.Config{Codec: codec.JSON, FailWithoutHost: true})
	}
	server := mcptools.New(b.Connect(), config)
	here, there := mcp.NewInMemoryTransports()
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan struct{})
	go func() { defer close(over); _ = server.Run(ctx, there) }()
	session, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "v0"}, nil).Connect(ctx, here, nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = session.Close(); cancel(); <-over })
	return model{t, session}
}

func (m model) tools() (names []string) {
	m.t.Helper()
	for tool, err := range m.session.Tools(m.t.Context(), nil) {
		require.NoError(m.t, err)
		names = append(names, tool.Name)
		if strings.HasPrefix(tool.Name, "call_") {
			require.Contains(m.t, tool.Description, "within 15 minutes", "a model has to know that")
		}
	}
	return names
}

// call calls a tool, and decodes what it gives.
func (m model) call(tool, arguments string) (out map[string]any, failed bool) {
	m.t.Helper()
	result, err := m.session.CallTool(m.t.Context(), &mcp.CallToolParams{Name: tool, Arguments: json.RawMessage(arguments)})
	require.NoError(m.t, err)
	require.Len(m.t, result.Content, 1)
	text := result.Content[0].(*mcp.TextContent).Text
	if json.Unmarshal([]byte(text), &out) != nil {
		out = map[string]any{"message": text}
	}
	return out, result.IsError
}

func TestLooking(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	m := connect(t, b, "")
	out, failed := m.call("list_types", `{}`)
	require.False(t, failed)
	require.Empty(t, out["types"], "no host has run yet")
	for _, tool := range []string{"list_actors", "show_type"} {
		_, failed = m.call(tool, `{"type":"shelf"}`)
		require.Equal(t, tool == "show_type", failed)
	}
	b.Host(shelves())
	_, err := stock.Call(t.Context(), troupe.GetOrCreate[shelf](b.Client, "a", "1"), delivery{Pieces: 5})
	require.NoError(t, err)
	require.NoError(t, audit.Start(t.Context(), troupe.GetOrCreate[shelf](b.Client, "flow"), 1))
	_, err = audit.Result(t.Context(), troupe.GetOrCreate[shelf](b.Client, "flow"))
	require.NoError(t, err)
	_, err = broken.Call(t.Context(), troupe.GetOrCreate[shelf](b.Client, "a", "1"), nil)
	require.Error(t, err)
	for _, test := range []struct{ tool, arguments, want string }{
		{"list_types", `{}`, `"type":"shelf"`},
		{"show_type", `{"type":"shelf"}`, `"pieces"`},
		{"list_actors", `{"type":"shelf"}`, `"key":"a/1"`},
		{"list_actors", `{"type":"shelf","limit":1}`, `"more":true`},
		{"show_actor", `{"type":"shelf","key":"a/1"}`, `"state":{"Pieces":5}`},
		{"show_actor", `{"type":"shelf","key":"a/1"}`, `"awake":true`},
		{"show_actor", `{"type":"shelf","key":"flow"}`, `"status":"succeeded"`},
		{"show_workflow", `{"type":"shelf","key":"flow"}`, `"name":"count"`},
		{"list_running", `{}`, `"running":[]`},
		{"list_failures", `{}`, `"code":"internal"`},
		{"list_failures", `{}`, `"actor":"shelf/a/1"`},
		{"list_stuck", `{}`, `"stuck":[]`},
	} {
		out, failed := m.call(test.tool, test.arguments)
		text, err := json.Marshal(out)
		require.NoError(t, err)
		require.False(t, failed, "%s: %s", test.tool, text)
		require.Contains(t, string(text), test.want, test.tool)
	}
	for _, test := range []struct{ tool, arguments, want string }{
		{"show_actor", `{"type":"shelf","key":"b"}`, "there is no actor"},
		{"show_actor", `{"type":"shelf","key":"a//b"}`, "empty part"},
		{"show_actor", `{"type":"s.>","key":"a"}`, "no name"},
		{"show_workflow", `{"type":"shelf","key":"a/1"}`, "has no workflow"},
		{"list_actors", `{"type":">"}`, "no name"},
		{"show_actor", `{"type":"shelf"}`, "key"},
	} {
		out, failed := m.call(test.tool, test.arguments)
		require.True(t, failed, test.tool)
		require.Contains(t, out["message"], test.want)
	}
	for _, name := range m.tools() {
		require.NotContains(t, name, "call_", "it may only look")
	}
	_, err = m.session.CallTool(t.Context(), &mcp.CallToolParams{Name: "call_shelf_stock", Arguments: map[string]any{"key": "a"}})
	require.Error(t, err)
}

// TestRepeatedCallRunsOnce has models repeat themselves, in whatever order they write the arguments, and start anew.
func TestRepeatedCallRunsOnce(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, shelves())
	m, again, other := connect(t, b, "ann@a"), connect(t, b, "ann@a"), connect(t, b, "bob@a")
	for _, one := range []model{m, m, again} {
		for _, input := range []string{`{"pieces":5,"from":"x"}`, `{ "from":"x", "pieces":5 }`} {
			out, failed := one.call("call_shelf_stock", `{"key":"a","input":`+input+`}`)
			require.False(t, failed, "%v", out)
			require.InDelta(t, 5, out["output"], 0)
			require.Regexp(t, "^mcp-[0-9a-f]{32}$", out["request_id"])
		}
	}
	for i, arguments := range []string{
		`{"key":"a","input":{"pieces":5,"from":"x"},"request_id":"second"}`, `{"key":"a","input":{"pieces":5}}`,
	} {
		for range 2 {
			out, failed := m.call("call_shelf_stock", arguments)
			require.False(t, failed, "%v", out)
			require.InDelta(t, 10+5*i, out["output"], 0, "it is another call")
		}
	}
	out, _ := other.call("call_shelf_stock", `{"key":"a","input":{"pieces":5}}`)
	require.InDelta(t, 20, out["output"], 0, "somebody else has asked for it")
	n, err := left.Call(t.Context(), troupe.Get[shelf](b.Client, "a"), nil)
	require.NoError(t, err)
	require.Equal(t, 20, n)
}

func TestCalling(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	m, none := connect(t, b, "ann@a"), connect(t, b, "ann@a", "till")
	require.NotContains(t, m.tools(), "call_shelf_left")
	b.Host(shelves())
	for range 2 { // to list them adds none anew
		names := m.tools()
		for _, name := range []string{"call_shelf_left", "call_shelf_stock", "call_shelf_audit"} {
			require.Contains(t, names, name)
		}
		require.True(t, slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(name, "call_shelf_lll") && len(name) == 64 }))
	}
	require.NotContains(t, none.tools(), "call_shelf_left", "it has another type")
	out, failed := m.call("call_shelf_left", `{"key":"a"}`)
	require.False(t, failed, "%v", out)
	require.InDelta(t, 0, out["output"], 0)
	for _, test := range []struct{ tool, arguments, code string }{
		{"call_shelf_drop", `{"key":"a"}`, "glued"},
		{"call_shelf_broken", `{"key":"a"}`, "internal"},
		{"call_shelf_left", `{"key":"new","existing":true}`, "not_found"},
		{"call_shelf_left", `{"key":"a/"}`, "bad_input"},
		{"call_shelf_left", `{}`, "bad_input"},
		{"call_shelf_left", `{"key":"a","inptu":1}`, "bad_input"},
		{"call_shelf_stock", `{"key":"a","input":"five"}`, "bad_input"},
		{"call_shelf_left", `{"key":"a","request_id":"` + strings.Repeat("x", 257) + `"}`, "bad_input"},
	} {
		out, failed := m.call(test.tool, test.arguments)
		require.True(t, failed, test.arguments)
		require.Equal(t, test.code, out["code"], test.arguments)
	}
	out, failed = m.call("call_shelf_audit", `{"key":"flow","input":3}`)
	require.False(t, failed, "%v", out)
	require.Nil(t, out["output"])
}
