package look_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/internal/look"
)

func TestUnknownFields(t *testing.T) {
	t.Parallel()
	const stored = `{"sum":5,"stock":{"nails":3},"messages":[{"from":"ann"},{"from":"bob","text":"hi"}],"tags":["a"],"none":null}`
	for given, want := range map[string][]string{
		stored:                   nil,
		`{}`:                     nil,
		`5`:                      nil, // it does not fit, which is not about names
		`{"Sum":1}`:              {".Sum"},
		`{"b":1,"sum":2,"a":{}}`: {".a", ".b"},
		`{"stock":{"screws":1}}`: nil, // it may be a map
		`{"messages":[{"text":"x"},{"form":"a"}]}`:      {".messages[1].form"},
		`{"tags":[{"x":1}],"none":[{"x":1}],"sum":[1]}`: nil,
	} {
		unknown, _, err := look.UnknownFields([]byte(given), []byte(stored))
		require.NoError(t, err)
		require.Equal(t, want, unknown, given)
	}
	unknown, _, err := look.UnknownFields([]byte(`{"a":1}`), []byte(`null`))
	require.NoError(t, err)
	require.Empty(t, unknown)
}
