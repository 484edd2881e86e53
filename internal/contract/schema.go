package contract

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// schema is what a JSON Schema of a contract has. Anything else in it is left out.
type schema struct {
	Ref         string          `json:"$ref"`
	Type        string          `json:"type"`
	Format      string          `json:"format"`
	Encoding    string          `json:"contentEncoding"`
	AnyOf       []schema        `json:"anyOf"`
	Items       *schema         `json:"items"`
	Values      *schema         `json:"additionalProperties"`
	Properties  ordered[schema] `json:"properties"`
	Required    []string        `json:"required"`
	Description string          `json:"description"`
	Msgpack     *schema         `json:"x-msgpack"` // of the value in msgpack, if that is another
}

const definitions = "#/$defs/"

func parse(data json.RawMessage) (s schema, err error) {
	if err := json.Unmarshal(data, &s); err != nil {
		return s, fmt.Errorf("a schema of the contract: %w", err)
	}
	return s, nil
}

// definition is the name of what the schema refers to, or empty.
func (s *schema) definition() string {
	name, ok := strings.CutPrefix(s.Ref, definitions)
	if !ok {
		return ""
	}
	return name
}

// ordered is a JSON object whose members stay in their order.
type ordered[T any] []member[T]

type member[T any] struct {
	name  string
	value T
}

// UnmarshalJSON implements json.Unmarshaler.
func (o *ordered[T]) UnmarshalJSON(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return fmt.Errorf("expected an object, got %v", open)
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		var value T
		if err := d.Decode(&value); err != nil {
			return err
		}
		*o = append(*o, member[T]{name.(string), value}) // the decoder takes no other names
	}
	return nil
}
