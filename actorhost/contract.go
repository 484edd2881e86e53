package actorhost

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/wire"
)

// contractOf describes a type for callers and listeners. What has no form in JSON may be anything.
func (r *roster) contractOf(actorType string) wire.Contract {
	t := r.types[actorType]
	if t == nil {
		return wire.Contract{Type: actorType, Actions: map[string]wire.Signature{}, Defs: json.RawMessage("{}")}
	}
	var schemas codec.Schemas
	of := func(t reflect.Type) json.RawMessage {
		schema, err := schemas.Of(t)
		if err != nil {
			return json.RawMessage("{}")
		}
		return schema
	}
	c := wire.Contract{Type: actorType, Actions: make(map[string]wire.Signature, len(t.actions))}
	for _, name := range slices.Sorted(maps.Keys(t.actions)) { // the names of definitions depend on the order
		action := t.actions[name]

		switch {
		case name == troupe.CreateAction && action.takes != nil:
			c.Create = of(action.takes)
		case name == wire.ConnectAction && action.takes != nil:
			c.Connect = of(action.takes)
		case !wire.Builtin(name):
			signature := wire.Signature{In: of(action.takes), Out: of(action.gives), ReadOnly: action.readOnly,
				BesideTurns: action.beside, Reentrant: action.reentrant}
			if flow := t.workflows[name]; flow != nil {
				signature.Result = of(flow.gives.gives)
			}
			if action.items != nil {
				signature.Items = of(action.items)
			}
			c.Actions[name] = signature
		}
	}
	c.Queues, c.Events = make(map[string]json.RawMessage, len(t.queues)), make(map[string]json.RawMessage, len(t.broadcasts))
	for _, name := range slices.Sorted(maps.Keys(t.queues)) {
		c.Queues[name] = of(t.queues[name].takes)
	}
	for _, name := range slices.Sorted(maps.Keys(t.broadcasts)) {
		c.Events[name] = of(t.broadcasts[name])
	}
	c.Defs = schemas.Defs()
	return c
}
