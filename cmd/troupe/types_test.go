package main

import (
	"encoding/json"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

func TestTypes(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	p := at(server.URL())
	require.Equal(t, exitNotFound, p.run(t.Context(), "types").code)
	require.Equal(t, exitNotFound, p.run(t.Context(), "types", "room").code)
	startHost(t, server, actorhost.Config{})
	require.Equal(t, "TYPE HOSTS\nroom     1\n", p.ok(t, "types").out)
	var line typeLine
	require.NoError(t, json.Unmarshal([]byte(p.ok(t, "types", "--json").out), &line))
	require.Equal(t, "room", line.Type)
	require.Len(t, line.Hosts, 1)
	require.Regexp(t, `(?m)^action +add +number +number$`, p.ok(t, "types", "room").out)
	require.Regexp(t, `(?m)^action +send +Message +number$`, p.ok(t, "types", "room").out)
	require.Contains(t, p.ok(t, "types", "room").out, "\n\nMessage { from: string; text: string; }\n")
	for _, verb := range []string{"types", "schema"} {
		var found wire.Contract
		require.NoError(t, json.Unmarshal([]byte(p.ok(t, verb, "room", "--json").out), &found))
		require.JSONEq(t, `{"type":"integer","format":"int64"}`, string(found.Actions["add"].In))
		require.Equal(t, exitUsage, p.run(t.Context(), verb, "no room").code)
		got := p.run(t.Context(), verb, "hall")
		require.Equal(t, exitNotFound, got.code)
		require.Contains(t, got.err, "serve room")
	}
	require.Contains(t, p.ok(t, "schema", "room", "--typescript").out, "export interface RoomContract {")
	require.Contains(t, p.ok(t, "schema", "room", "--asyncapi").out, `"address": "troupe.route.room.{key}.add"`)
	require.Equal(t, exitUsage, p.run(t.Context(), "schema", "room", "--asyncapi", "--typescript").code)
}

// TestContractsAreNotTrusted has a host that tells what would harm a terminal, or is no contract.
func TestContractsAreNotTrusted(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	p := at(server.URL())
	lease(t, server, store.HostEntry{ID: "bad", Types: []string{"room", "hall"}})
	nc := connect(t, server)
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	answers := map[string]string{
		"room": `{"actions":{"\u001b[2J":{"in":{"type":"object","properties":{"\u009b":{}}},"out":{}}},"$defs":{}}`,
		"hall": `{"actions":{"a":{"in":7,"out":{}}},"$defs":{}}`,
	}
	for actorType, answer := range answers {
		_, err := nc.Subscribe(ns.Contract("bad", actorType), func(m *nats.Msg) { _ = m.Respond([]byte(answer)) })
		require.NoError(t, err)
	}
	require.NoError(t, nc.Flush())
	for _, args := range [][]string{{"types", "room"}, {"schema", "room"}, {"schema", "room", "--typescript"}, {"schema", "room", "--asyncapi"}} {
		require.NotContains(t, p.ok(t, args...).out, "\x1b", args)
		require.NotContains(t, p.ok(t, args...).out, "\u009b", args)
	}
	require.NotEqual(t, exitOK, p.run(t.Context(), "types", "hall").code)
	require.NotEqual(t, exitOK, p.run(t.Context(), "schema", "hall", "--typescript").code)
}
