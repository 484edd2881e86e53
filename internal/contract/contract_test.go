package contract_test

import (
	"encoding/json"
	"math/big"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/contract"
	"github.com/troupe-go/troupe/internal/wire"
)

// nasty is a contract that a host has made which means harm.
const nasty = `{
	"type": "Date*/evil(); /*",
	"actions": {"a\"b\n": {"in": {"$ref": "#/$defs/Date"}, "out": {"$ref": "#/$defs/none"}, "result": {"type": "array"}}},
	"create": {"anyOf": [{"type": "string", "contentEncoding": "base64"}, {"type": "null"}]},
	"events": {"e\u2028vil": {"type": "object", "properties": {"in line": {"type": "string", "format": "date-time"}}}},
	"queues": {"q": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "integer"}}}},
	"$defs": {
		"Date": {"type": "object", "properties": {"b": {"type": "boolean", "description": "*/ evil() /*\nmore"}, "a": {}}, "required": ["a"]},
		"1 date": {"type": "string"},
		"Date*": {"type": "number"}
	}
}`

func contractOf(t require.TestingT, text string) *wire.Contract {
	c := new(wire.Contract)
	require.NoError(t, json.Unmarshal([]byte(text), c))
	return c
}

// golden compares with a file of testdata, or writes it if UPDATE is set.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if os.Getenv("UPDATE") != "" {
		require.NoError(t, os.WriteFile(file, got, 0o600))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}

func TestNothingInAContractIsTrusted(t *testing.T) {
	t.Parallel()
	c := contractOf(t, nasty)
	types, err := contract.TypeScript(c)
	require.NoError(t, err)
	golden(t, "nasty.ts", types)
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	document, err := contract.AsyncAPI(c, ns)
	require.NoError(t, err)
	golden(t, "nasty.json", document)
}

// TestOpenAPITrustsNothing leaves out what is no path, and whatever refers elsewhere.
func TestOpenAPITrustsNothing(t *testing.T) {
	t.Parallel()
	bad := contractOf(t, nasty)
	good := contractOf(t, strings.Replace(nasty, "Date*/evil(); /*", "date", 1))
	good.Actions["go"] = wire.Signature{
		In:  json.RawMessage(`{"type":"object","properties":{"a":{"$ref":"https://evil.example/x"},"$ref":{"$ref":"#/$defs/1 date"}}}`),
		Out: json.RawMessage(`[]`),
	}
	good.Events["go"] = json.RawMessage(`{"$ref":"#/$defs/Date*"}`)
	text, err := contract.OpenAPI([]*wire.Contract{bad, good, good})
	require.NoError(t, err)
	require.NotContains(t, string(text), "evil.example")
	require.NotContains(t, string(text), "$defs")
	document, err := openapi3.NewLoader().LoadFromData(text)
	require.NoError(t, err)
	require.NoError(t, document.Validate(t.Context()))
	require.ElementsMatch(t, []string{"/date/go", "/date/_create"}, document.Paths.InMatchingOrder())
	path := document.Paths.Value("/date/go")
	require.NotNil(t, path.Post)
	require.NotNil(t, path.Get)
	_, err = contract.OpenAPI([]*wire.Contract{contractOf(t, `{"type": "a", "$defs": []}`)})
	require.Error(t, err)
}

func TestRows(t *testing.T) {
	t.Parallel()
	rows, err := contract.Rows(contractOf(t, nasty))
	require.NoError(t, err)
	require.Equal(t, []contract.Row{
		{"create", "", "Uint8Array | null", ""},
		{"workflow", "a\"b\n", "Date_2", "unknown"},
		{"queue", "q", "Record<string, Array<number>>", ""},
		{"event", "e\u2028vil", "", `{ "in line"?: Date; }`},
		{"type", "Date_2", "{ /** * / evil() /* more */ b?: boolean; a: unknown; }", ""},
		{"type", "_1_date", "string", ""},
		{"type", "Date_", "number", ""},
	}, rows)
}

// TestTypesAreThoseOfMsgpack has values that are something else in JSON.
func TestTypesAreThoseOfMsgpack(t *testing.T) {
	t.Parallel()
	var s codec.Schemas
	schema, err := s.Of(reflect.TypeFor[struct {
		Address netip.Addr
		Hash    [4]byte
		Big     *big.Int
		Raw     json.RawMessage
		Number  int `json:",string"`
		ID      troupe.ID
		ByID    map[int]troupe.ID
	}]())
	require.NoError(t, err)
	rows, err := contract.Rows(&wire.Contract{Events: map[string]json.RawMessage{"e": schema}})
	require.NoError(t, err)
	require.Equal(t, "{ Address: Uint8Array; Hash: Uint8Array; Big: string | null; Raw: Uint8Array; Number: number; ID: string; "+
		"ByID: Record<string, string>; }", rows[0].Gives)
}

func TestContractThatIsNone(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{"$defs": []}`, `{"$defs": {"a": 1}}`, `{"actions": {"a": {"in": 1}}}`, `{"actions": {"a": {"in": {}, "out": "x"}}}`,
		`{"events": {"a": {"properties": []}}}`, `{"queues": {"a": []}}`, `{"create": {"type": 1}}`,
	} {
		_, err := contract.TypeScript(contractOf(t, text))
		require.Error(t, err, text)
	}
}

// FuzzContract never panics, and leaves no text of the contract outside of quotes and comments: the lines are as many as without.
func FuzzContract(f *testing.F) {
	f.Add(nasty)
	f.Fuzz(func(t *testing.T, text string) {
		c := new(wire.Contract)
		if json.Unmarshal([]byte(text), c) != nil {
			return
		}
		if types, err := contract.TypeScript(c); err == nil {
			for line := range strings.Lines(string(types)) {
				require.LessOrEqual(t, strings.Count(line, "*/"), 1, line)
			}
		}
		_, _ = contract.Rows(c)
		_, _ = contract.AsyncAPI(c, wire.Namespace{})
		_, _ = contract.OpenAPI([]*wire.Contract{c})
	})
}
