package contract

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/wire"
)

// OpenAPI returns an OpenAPI 3.1 document of contracts, as the HTTP gateway serves them. Whatever cannot be called by a path is left
// out.
func OpenAPI(contracts []*wire.Contract) ([]byte, error) {
	d := openAPI{paths: object{}, schemas: object{"Error": errorSchema}}
	for _, c := range contracts {
		if err := d.add(c); err != nil {
			return nil, err
		}
	}
	out, err := json.MarshalIndent(object{
		"openapi": "3.1.0",
		"info": object{"title": "Actors", "version": "1.0.0", "description": "A POST calls an action, a GET listens to an event. " +
			"Keys of one or more parts can be segments of the path too, between the type and the name."},
		"servers":  []object{{"url": "./"}},
		"security": []object{{"bearer": []string{}}, {"basic": []string{}}, {}},
		"paths":    d.paths,
		"components": object{
			"schemas":    d.schemas,
			"parameters": parameters,
			"responses": object{"error": object{"description": "An error. Its code says which.",
				"content": jsonContent(object{"$ref": "#/components/schemas/Error"})}},
			"securitySchemes": object{
				"bearer": object{"type": "http", "scheme": "bearer", "description": "A token, or a JWT, of NATS."},
				"basic":  object{"type": "http", "scheme": "basic", "description": "A user and a password of NATS."},
			},
		},
	}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("the contracts: %w", err)
	}
	return append(out, '\n'), nil
}

var errorSchema = object{
	"type": "object", "required": []string{"code", "message"},
	"properties": object{
		"code": object{"type": "string"}, "message": object{"type": "string"}, "metadata": object{"type": "object"},
		"from_actor": object{"type": "boolean", "description": "It is the actor's own error."},
		"retryable":  object{"type": "boolean", "description": "Nothing has run: the same request may succeed later."},
	},
}

// parameters are those that operations refer to.
var parameters = object{
	"key": object{"name": "key", "in": "query", "description": "The parts of the actor's key. Without it the key has none.",
		"style": "form", "explode": true,
		"schema": object{"type": "array", "items": object{"type": "string"}, "maxItems": troupe.MaxKeyParts}},
	"once": object{"name": "Idempotency-Key", "in": "header", "description": "Names the call: with the same name it takes effect once.",
		"schema": object{"type": "string", "minLength": 1, "maxLength": wire.MaxRequestID}},
	"timeout": object{"name": wire.HeaderTimeout, "in": "header", "description": "How long to wait, in milliseconds.",
		"schema": object{"type": "integer", "minimum": 0}},
	"existing": object{"name": wire.HeaderExisting, "in": "header", "description": "1: the call must not create the actor.",
		"schema": object{"type": "string", "enum": []string{"0", "1"}}},
	"from": object{"name": "from", "in": "query", "description": "The id of the last event that was heard.",
		"schema": object{"type": "string"}},
	"last": object{"name": "Last-Event-ID", "in": "header", "description": "The same, as browsers send it.",
		"schema": object{"type": "string"}},
}

func refersTo(names ...string) (all []object) {
	for _, name := range names {
		all = append(all, object{"$ref": "#/components/parameters/" + name})
	}
	return all
}

func jsonContent(schema any) object { return object{"application/json": object{"schema": schema}} }

type openAPI struct{ paths, schemas object }

func (d *openAPI) add(c *wire.Contract) error {
	if err := troupe.CheckName("actor type", c.Type); err != nil {
		return nil //nolint:nilerr // no path can have it
	}
	var defs map[string]json.RawMessage
	if len(c.Defs) > 0 {
		if err := json.Unmarshal(c.Defs, &defs); err != nil {
			return fmt.Errorf("the definitions of the contract: %w", err)
		}
	}
	m := mover{refs: make(map[string]string, len(defs))}
	for _, name := range slices.Sorted(maps.Keys(defs)) {
		m.refs[definitions+name] = d.name(c.Type + "." + notInNames.ReplaceAllString(name, "_"))
	}
	for name, def := range defs {
		d.schemas[m.refs[definitions+name]] = m.moved(def)
	}
	for name, s := range c.Actions {
		d.action(c.Type, name, s, &m)
	}
	if c.Create != nil {
		d.action(c.Type, troupe.CreateAction, wire.Signature{In: c.Create}, &m)
	}
	for name, payload := range c.Events {
		d.event(c.Type, name, payload, &m)
	}
	return nil
}

// name is a name of a schema that no other has.
func (d *openAPI) name(like string) string {
	name := like
	for n := 2; d.schemas[name] != nil; n++ {
		name = like + "_" + strconv.Itoa(n)
	}
	d.schemas[name] = object{}
	return name
}

// path is the item of a path, in which there may be another operation already.
func (d *openAPI) path(actorType, name string) object {
	path := "/" + actorType + "/" + name
	if d.paths[path] == nil {
		d.paths[path] = object{}
	}
	return d.paths[path].(object)
}

func (d *openAPI) action(actorType, name string, s wire.Signature, m *mover) {
	if name != troupe.CreateAction && troupe.CheckName("action", name) != nil {
		return
	}
	operation := object{
		"operationId": actorType + "." + name, "tags": []string{actorType}, "parameters": refersTo("key", "once", "timeout", "existing"),
	}
	if !isNothing(s.In) {
		operation["requestBody"] = object{"required": true, "content": jsonContent(m.moved(s.In))}
	}
	responses := object{"default": object{"$ref": "#/components/responses/error"}}
	switch {
	case s.Items != nil:
		operation["description"] = "It answers with many values. Ask for them with Accept: text/event-stream."
		responses["200"] = object{"description": "Server-sent events, each with x-data as its data.",
			"content": object{"text/event-stream": object{"schema": object{"type": "string"}, "x-data": m.moved(s.Items)}}}
	case isNothing(s.Out):
		responses["204"] = object{"description": "It has run."}
	default:
		responses["200"] = object{"description": "It has run. This is its output.", "content": jsonContent(m.moved(s.Out))}
	}
	if s.Result != nil {
		operation["description"] = "It starts a workflow."
	}
	operation["responses"] = responses
	d.path(actorType, name)["post"] = operation
}

func (d *openAPI) event(actorType, name string, payload json.RawMessage, m *mover) {
	if troupe.CheckName("event", name) != nil {
		return
	}
	d.path(actorType, name)["get"] = object{
		"operationId": actorType + ".on." + name, "tags": []string{actorType}, "parameters": refersTo("key", "from", "last"),
		"responses": object{
			"200": object{"description": "Server-sent events, each with x-data as its data.",
				"content": object{"text/event-stream": object{"schema": object{"type": "string"}, "x-data": m.moved(payload)}}},
			"default": object{"$ref": "#/components/responses/error"},
		},
	}
}

// isNothing reports whether a schema is that of nothing, or missing.
func isNothing(schema json.RawMessage) bool {
	s, err := parse(schema)
	return len(schema) == 0 || err == nil && s.Type == "null"
}

// mover changes what schemas refer to.
type mover struct{ refs map[string]string } // to names of schemas

// moved is a schema that refers to where OpenAPI has the definitions. What is none allows anything.
func (m *mover) moved(schema json.RawMessage) any {
	decoder := json.NewDecoder(bytes.NewReader(schema))
	decoder.UseNumber()
	var value any
	if decoder.Decode(&value) != nil {
		return object{}
	}
	if _, ok := value.(object); !ok {
		return object{}
	}
	return m.walk(value)
}

func (m *mover) walk(value any) any {
	switch value := value.(type) {
	case object:
		if ref, ok := value["$ref"].(string); ok {
			name, known := m.refs[ref]
			if !known { // it could be anywhere
				return object{}
			}
			return object{"$ref": "#/components/schemas/" + strings.ReplaceAll(name, "/", "~1")}
		}
		for key, inner := range value {
			value[key] = m.walk(inner)
		}
	case []any:
		for i := range value {
			value[i] = m.walk(value[i])
		}
	}
	return value
}
