package contract

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/troupe-go/troupe/internal/wire"
)

// TypeScript returns the types of a contract: an interface for each definition, and one of the actor type with its actions, events,
// queues and workflows. They are as a program in JavaScript has the values in msgpack: a time is a Date, bytes are a Uint8Array.
func TypeScript(c *wire.Contract) ([]byte, error) {
	w, root, defs, err := read(c)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(w, "// The contract of the actor type %s, made by \"troupe schema\". Integers beyond 2^53 are of the type bigint.\n",
		line(c.Type))
	for _, def := range defs {
		w.definition(&def)
	}
	if err := w.contract(root, c); err != nil {
		return nil, err
	}
	return []byte(w.String()), nil
}

// read reads the definitions of a contract, and names them. root is the name of its own interface.
func read(c *wire.Contract) (w *typeScript, root string, defs ordered[schema], err error) {
	if len(c.Defs) > 0 {
		if err := json.Unmarshal(c.Defs, &defs); err != nil {
			return nil, "", nil, fmt.Errorf("the definitions of the contract: %w", err)
		}
	}
	w = &typeScript{names: make(map[string]string, len(defs)), taken: make(map[string]bool, len(defs)+1)}
	root = w.name(c.Type + "Contract")
	for _, def := range defs {
		w.names[def.name] = w.name(def.name)
	}
	return w, root, defs, nil
}

type typeScript struct {
	strings.Builder
	names map[string]string // of definitions
	taken map[string]bool
}

var notInNames = regexp.MustCompile(`[^A-Za-z0-9_]`)

// name makes a name of a type that no other has.
func (w *typeScript) name(like string) string {
	clean := notInNames.ReplaceAllString(like, "_")
	if clean == "" || clean[0] <= '9' {
		clean = "_" + clean
	}
	clean = strings.ToUpper(clean[:1]) + clean[1:]
	name := clean
	for n := 2; w.taken[name] || builtinTypes[name]; n++ {
		name = clean + "_" + strconv.Itoa(n)
	}
	w.taken[name] = true
	return name
}

// builtinTypes are those that the output means otherwise.
var builtinTypes = map[string]bool{"Date": true, "Uint8Array": true, "Record": true, "Array": true}

func (w *typeScript) definition(def *member[schema]) {
	if def.value.Type != "object" || def.value.Values != nil {
		fmt.Fprintf(w, "\nexport type %s = %s;\n", w.names[def.name], w.typeOf(&def.value, ""))
		return
	}
	fmt.Fprintf(w, "\nexport interface %s %s\n", w.names[def.name], w.object(&def.value, ""))
}

func (w *typeScript) object(s *schema, indent string) string {
	var b strings.Builder
	b.WriteString("{\n")
	for _, p := range s.Properties {
		if p.value.Description != "" {
			fmt.Fprintf(&b, "%s  /** %s */\n", indent, strings.ReplaceAll(line(p.value.Description), "*/", "* /"))
		}
		optional := "?"
		if slices.Contains(s.Required, p.name) {
			optional = ""
		}
		fmt.Fprintf(&b, "%s  %s%s: %s;\n", indent, property(p.name), optional, w.typeOf(&p.value, indent+"  "))
	}
	b.WriteString(indent + "}")
	return b.String()
}

func (w *typeScript) typeOf(s *schema, indent string) string {
	switch {
	case s.Msgpack != nil:
		return w.typeOf(s.Msgpack, indent)
	case s.Ref != "":
		if name, known := w.names[s.definition()]; known {
			return name
		}
	case len(s.AnyOf) > 0:
		var all []string
		for i := range s.AnyOf {
			all = append(all, w.typeOf(&s.AnyOf[i], indent))
		}
		return strings.Join(all, " | ")
	}
	switch s.Type {
	case "null", "boolean":
		return s.Type
	case "integer", "number":
		return "number"
	case "string":
		switch {
		case s.Format == "date-time":
			return "Date"
		case s.Encoding == "base64":
			return "Uint8Array"
		}
		return "string"
	case "array":
		if s.Items != nil {
			return "Array<" + w.typeOf(s.Items, indent) + ">"
		}
	case "object":
		if s.Values != nil {
			return "Record<string, " + w.typeOf(s.Values, indent) + ">"
		}
		return w.object(s, indent)
	}
	return "unknown"
}

// of is the type of a schema. What there is no schema of takes nothing.
func (w *typeScript) of(data json.RawMessage) (string, error) {
	if data == nil {
		return "null", nil
	}
	s, err := parse(data)
	return w.typeOf(&s, "    "), err
}

func (w *typeScript) contract(root string, c *wire.Contract) error {
	fmt.Fprintf(w, "\n/** What programs need to know of the actor type %s. */\nexport interface %s {\n  actions: {\n",
		strings.ReplaceAll(line(c.Type), "*/", "* /"), root)
	for _, name := range slices.Sorted(maps.Keys(c.Actions)) {
		action := c.Actions[name]
		in, inErr := w.of(action.In)
		out, outErr := w.of(action.Out)
		result, resultErr := w.of(action.Result)
		items, itemsErr := w.of(action.Items)
		if err := cmp.Or(inErr, outErr, resultErr, itemsErr); err != nil {
			return err
		}
		if action.Result != nil {
			out += "; result: " + result
		}
		if action.Items != nil {
			out += "; items: " + items
		}
		if action.ReadOnly {
			fmt.Fprintf(w, "    /** %s */\n", action.Reads())
		}
		fmt.Fprintf(w, "    %s: { in: %s; out: %s };\n", property(name), in, out)
	}
	w.WriteString("  };\n")
	for _, group := range []member[map[string]json.RawMessage]{{"events", c.Events}, {"queues", c.Queues}} {
		fmt.Fprintf(w, "  %s: {\n", group.name)
		for _, name := range slices.Sorted(maps.Keys(group.value)) {
			text, err := w.of(group.value[name])
			if err != nil {
				return err
			}
			fmt.Fprintf(w, "    %s: %s;\n", property(name), text)
		}
		w.WriteString("  };\n")
	}
	for _, hook := range []member[json.RawMessage]{{"create", c.Create}, {"connect", c.Connect}} {
		text, err := w.of(hook.value)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "  %s: %s;\n", hook.name, text)
	}
	w.WriteString("}\n")
	return nil
}

var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// property is the name of a property as TypeScript has it.
func property(name string) string {
	if identifier.MatchString(name) {
		return name
	}
	quoted, err := json.Marshal(name)
	if err != nil {
		return `""` // texts have an encoding
	}
	return string(quoted)
}

// line is a text that ends no line.
func line(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == '\u2028' || r == '\u2029' || r == 0x7f || r == '\u0085' {
			return ' '
		}
		return r
	}, text)
}
