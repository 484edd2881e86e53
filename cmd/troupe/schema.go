package main

import (
	"context"
	"encoding/json"

	"github.com/troupe-go/troupe/internal/contract"
)

// schemaCommand is the verb schema.
type schemaCommand struct {
	Type string `arg:"" help:"The actor type."`

	Asyncapi   bool `xor:"format" help:"As an AsyncAPI 3.0 document."`
	Typescript bool `xor:"format" help:"As types of TypeScript."`
}

// Help is shown by troupe schema --help.
func (*schemaCommand) Help() string {
	return `It prints the contract of an actor type, as a host of it tells: JSON Schemas (draft 2020-12) of what its actions take and ` +
		`give, of what its queues take, and of the events that its program says it has. --typescript is for programs in ` +
		`JavaScript that use msgpack: troupe schema inventory --typescript > inventory.ts`
}

func (c *schemaCommand) run(ctx context.Context, e env) error {
	return e.withConnection(ctx, func(ctx context.Context, conn connection) error {
		found, err := conn.contract(ctx, c.Type)
		if err != nil {
			return err
		}
		var text []byte
		switch {
		case c.Typescript:
			text, err = contract.TypeScript(found)
		case c.Asyncapi:
			text, err = contract.AsyncAPI(found, e.namespace)
		default:
			if text, err = json.Marshal(found); err == nil {
				return printJSON(e.out, text, !e.json)
			}
		}
		if err == nil {
			_, err = e.out.Write(escapeControls(text))
		}
		return err
	})
}
