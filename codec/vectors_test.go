package codec_test

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
)

// vectorTypes are the types of docs/vectors/values.json.
var vectorTypes = map[string]func() any{
	"bool": func() any { return new(bool) }, "string": func() any { return new(string) }, "bytes": func() any { return new([]byte) },
	"int": func() any { return new(int) }, "int8": func() any { return new(int8) }, "int16": func() any { return new(int16) },
	"int32": func() any { return new(int32) }, "int64": func() any { return new(int64) },
	"uint8": func() any { return new(uint8) }, "uint16": func() any { return new(uint16) },
	"uint32": func() any { return new(uint32) }, "uint64": func() any { return new(uint64) },
	"float32": func() any { return new(float32) }, "float64": func() any { return new(float64) },
	"timestamp": func() any { return new(time.Time) }, "any": func() any { return new(any) },
	"list<int32>": func() any { return new([]int32) }, "map<string,int32>": func() any { return new(map[string]int32) },
	"map<int32,string>": func() any { return new(map[int32]string) }, "reference": func() any { return new(troupe.ID) },
	"nothing": func() any { return new(*struct{}) },
	"point": func() any {
		return &struct {
			X     int32  `json:"x"`
			Label string `json:"label"`
		}{}
	},
}

type vector struct {
	Comment    string
	Type       string
	JSON       *string
	Msgpack    *string
	Also       []string
	DecodeOnly bool
}

// TestVectors reads a file that tests in other languages read too.
func TestVectors(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../docs/vectors/values.json")
	require.NoError(t, err)
	var file struct{ Cases, Refused []vector }
	require.NoError(t, json.Unmarshal(data, &file))
	require.NotEmpty(t, file.Cases)
	for _, c := range file.Cases {
		name := c.Comment + ", " + c.Type
		var values []any
		for _, digits := range append([]string{*c.Msgpack}, c.Also...) {
			into := vectorTypes[c.Type]()
			require.NoError(t, codec.MsgPack.Unmarshal(unhex(t, digits), into), "%s: %s", name, digits)
			values = append(values, into)
		}
		if c.JSON != nil {
			into := vectorTypes[c.Type]()
			require.NoError(t, codec.JSON.Unmarshal([]byte(*c.JSON), into), name)
			values = append(values, into)
		}
		for _, value := range values {
			if c.DecodeOnly {
				continue
			}
			written, err := codec.MsgPack.Append(nil, reflect.ValueOf(value).Elem().Interface())
			require.NoError(t, err, name)
			require.Equal(t, *c.Msgpack, hex.EncodeToString(written), name)
			if c.JSON != nil {
				text, err := codec.JSON.Append(nil, reflect.ValueOf(value).Elem().Interface())
				require.NoError(t, err, name)
				require.Equal(t, *c.JSON, string(text), name)
			}
		}
	}
	require.NotEmpty(t, file.Refused)
	for _, c := range file.Refused {
		name := c.Comment + ", " + c.Type
		require.True(t, c.Msgpack != nil || c.JSON != nil, name)
		if c.Msgpack != nil {
			require.Error(t, codec.MsgPack.Unmarshal(unhex(t, *c.Msgpack), vectorTypes[c.Type]()), "%s: %s", name, *c.Msgpack)
		}
		if c.JSON != nil {
			require.Error(t, codec.JSON.Unmarshal([]byte(*c.JSON), vectorTypes[c.Type]()), "%s: %s", name, *c.JSON)
		}
	}
}

func unhex(t *testing.T, digits string) []byte {
	t.Helper()
	data, err := hex.DecodeString(digits)
	require.NoError(t, err)
	return data
}
