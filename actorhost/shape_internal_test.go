package actorhost

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
)

type shapePart struct {
	ID  string     `json:"id"`
	Sub *shapePart `json:"sub,omitempty"`
}

func TestShapes(t *testing.T) {
	t.Parallel()
	type embedded struct{ Left uint8 }
	for want, value := range map[string]any{
		"nothing":                      troupe.None(nil),
		"whole number":                 0,
		"whole number from 0":          uint8(0),
		"number":                       0.5,
		"text":                         "",
		"true or false":                false,
		"bytes":                        []byte(nil),
		"time":                         time.Time{},
		"list of text":                 []string(nil),
		"map of text to list of bytes": map[string][][]byte(nil),
		"{}":                           struct{ hidden int }{},
		`{"Left": whole number from 0, "b": anything}`: struct {
			embedded
			B any    `json:"b,omitempty"`
			C string `json:"-"`
		}{},
		`{"id": text, "sub": {"id": text, "sub": {"id": text, "sub": ...}}}`: &shapePart{},
	} {
		require.Equal(t, want, shapeOf(reflect.TypeOf(value)))
	}
	var fields []reflect.StructField
	for i := range 1000 {
		fields = append(fields, reflect.StructField{Name: fmt.Sprintf("Field%d", i), Type: reflect.TypeFor[map[string]shapePart]()})
	}
	long := shapeOf(reflect.StructOf(fields))
	require.Less(t, len(long), 500)
	require.True(t, strings.HasSuffix(long, "..."))
}
