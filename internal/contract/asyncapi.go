package contract

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/troupe-go/troupe/internal/wire"
)

// object is a JSON object.
type object = map[string]any

// AsyncAPI returns an AsyncAPI 3.0 document of a contract: the subjects of its actions, events and queues, and what goes over them.
func AsyncAPI(c *wire.Contract, ns wire.Namespace) ([]byte, error) {
	d := asyncAPI{channels: object{}, operations: object{}, at: ns.Name(), of: c.Type}
	for _, name := range slices.Sorted(maps.Keys(c.Actions)) {
		d.action(name, c.Actions[name])
	}
	for _, name := range slices.Sorted(maps.Keys(c.Events)) {
		d.oneWay("event", name, "send", "The actor broadcasts it.", c.Events[name])
	}
	for _, name := range slices.Sorted(maps.Keys(c.Queues)) {
		d.oneWay("queue", name, "receive", "A message to JetStream: the actor handles it once it can.", c.Queues[name])
	}
	schemas := object{}
	if len(c.Defs) > 0 {
		if err := json.Unmarshal(moved(c.Defs), &schemas); err != nil {
			return nil, fmt.Errorf("the definitions of the contract: %w", err)
		}
	}
	out, err := json.MarshalIndent(object{
		"asyncapi": "3.0.0",
		"info": object{"title": c.Type, "version": "1.0.0",
			"description": "Actors of the type " + c.Type + ", on NATS. docs/protocol.md of Troupe has the headers."},
		"defaultContentType": "application/json",
		"channels":           d.channels,
		"operations":         d.operations,
		"components":         object{"schemas": schemas},
	}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("the contract: %w", err)
	}
	return append(out, '\n'), nil
}

type asyncAPI struct {
	channels, operations object
	at, of               string // namespace and type
}

// channel adds a subject, and returns what refers to it and to its messages.
func (d *asyncAPI) channel(id, address string, messages object) object {
	channel := object{"address": address, "messages": messages}
	if strings.Contains(address, "{key}") {
		channel["parameters"] = object{"key": object{"description": "The key of the actor: its parts, separated by dots."}}
	}
	d.channels[id] = channel
	return object{"$ref": "#/channels/" + pointer(id)}
}

func (d *asyncAPI) subject(kind, name string) string {
	return d.at + "." + kind + "." + d.of + ".{key}." + name
}

func message(schema json.RawMessage) object {
	return object{"payload": moved(schema)}
}

func (d *asyncAPI) action(name string, s wire.Signature) {
	id := "action." + name
	channel := d.channel(id, d.subject("route", name), object{"request": message(s.In)})
	replies := s.Out
	if s.Items != nil {
		replies = s.Items
	}
	reply := d.channel(id+".reply", "", object{"reply": message(replies)})
	d.channels[id+".reply"].(object)["address"] = nil // the reply subject of the request
	operation := object{"action": "receive", "channel": channel, "reply": object{"channel": reply}}
	switch {
	case s.Result != nil:
		operation["description"] = "It starts a workflow."
	case s.Items != nil:
		operation["description"] = "It answers with many values, one in a message."
	case s.ReadOnly:
		operation["description"] = s.Reads()
	}
	d.operations[id] = operation
}

func (d *asyncAPI) oneWay(kind, name, action, description string, payload json.RawMessage) {
	id := kind + "." + name
	channel := d.channel(id, d.subject(kind, name), object{kind: message(payload)})
	d.operations[id] = object{"action": action, "channel": channel, "description": description}
}

// moved is a schema that refers to the definitions where AsyncAPI has them.
func moved(schema json.RawMessage) json.RawMessage {
	var compact bytes.Buffer
	if json.Compact(&compact, schema) != nil { // also of none
		return json.RawMessage("{}")
	}
	return json.RawMessage(strings.ReplaceAll(compact.String(), `"$ref":"`+definitions, `"$ref":"#/components/schemas/`))
}

// pointer escapes a name for a JSON pointer.
func pointer(name string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(name) }
