package actorhost_test

import (
	"encoding/json"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/internal/wire"
)

// A Desk has one of each kind of what a contract tells.
type Desk struct{ troupe.Ref }

func (Desk) ActorType() string { return "desk" }

type memo struct {
	To   string `json:"to"`
	Copy []memo `json:"copy,omitempty"`
}

var (
	writeLetter = troupe.NewAction[Desk, memo, int]("write")
	tidyDesk    = troupe.NewAction[Desk, troupe.None, troupe.None]("tidy")
	postLetter  = troupe.NewWorkflow[Desk, memo, string]("post")
	letterGiven = troupe.NewSignal[Desk, bool]("given")
	fileLetter  = troupe.NewQueue[Desk, memo]("file")
	deskMade    = troupe.NewConstructor[Desk, []byte]()
	takeSeat    = troupe.NewConnector[Desk, map[string]int]()
	letterSent  = troupe.NewEvent[Desk, memo]("sent")
	letterKept  = troupe.NewDurableEvent[Desk, troupe.None]("kept")
)

func desks() actorhost.ActorType[Desk, struct{}] {
	type state = struct{}
	return actorhost.Define(func() state { return state{} },
		actorhost.On(writeLetter, func(*state, *actorhost.Context, memo) (int, error) { return 0, nil }),
		actorhost.On(tidyDesk, actorhost.NoInNoOut(func(*state, *actorhost.Context) error { return nil })),
		actorhost.OnWorkflow(postLetter, func(*actorhost.Flow[state], memo) (string, error) { return "", nil }),
		actorhost.OnSignal[Desk, state](letterGiven),
		actorhost.OnQueue(fileLetter, func(*state, *actorhost.Context, memo) error { return nil }),
		actorhost.OnCreate(deskMade, func(*state, *actorhost.Context, []byte) error { return nil }),
		actorhost.OnConnect(takeSeat, func(*state, *actorhost.Context, *actorhost.Connection, map[string]int) error { return nil }),
	)
}

// TestContract asks a host what there is to know of a type, as any program would.
func TestContract(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	host := b.Host(desks().Broadcasts(letterSent).Broadcasts(letterKept))
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	nc := b.Connect()
	ask := func(actorType string) string {
		request := nats.NewMsg(ns.Contract(host.ID(), actorType))
		request.Header.Set(wire.HeaderContentType, "application/json")
		answer, err := nc.RequestMsgWithContext(t.Context(), request)
		require.NoError(t, err)
		return string(answer.Data)
	}
	require.JSONEq(t, `{
		"type": "desk",
		"actions": {
			"write": {"in": {"$ref": "#/$defs/memo"}, "out": {"type": "integer", "format": "int64"}},
			"tidy":  {"in": {"type": "null"}, "out": {"type": "null"}},
			"post":  {"in": {"$ref": "#/$defs/memo"}, "out": {"type": "null"}, "result": {"type": "string"}},
			"given": {"in": {"type": "boolean"}, "out": {"type": "null"}}
		},
		"create": {"type": "string", "contentEncoding": "base64"},
		"connect": {"type": "object", "additionalProperties": {"type": "integer", "format": "int64"}},
		"queues": {"file": {"$ref": "#/$defs/memo"}},
		"events": {"sent": {"$ref": "#/$defs/memo"}, "kept": {"type": "null"}},
		"$defs": {"memo": {"type": "object", "required": ["to"], "properties": {
			"to": {"type": "string"}, "copy": {"type": "array", "items": {"$ref": "#/$defs/memo"}}}}}
	}`, ask("desk"))
	require.JSONEq(t, `{"type": "chair", "actions": {}, "$defs": {}}`, ask("chair"))
	require.True(t, json.Valid([]byte(ask("desk.x"))))
}

// TestContractOfAnEventThatHasNoEncoding is refused when the host starts.
func TestContractOfAnEventThatHasNoEncoding(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	_, err := actorhost.Start(t.Context(), b.Connect(), actorhost.Config{}, desks().Broadcasts(troupe.NewEvent[Desk, chan int]("odd")))
	require.ErrorContains(t, err, `the payload of its event "odd"`)
}
