package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPrintJSON(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		value    string
		indented bool
		want     string
	}{
		{`{ "b":1, "a":[1e400,<] }`, false, ""},
		{`{ "b":1e400, "a":["<"] }`, false, `{"b":1e400,"a":["<"]}` + "\n"},
		{`{"a":1}`, true, "{\n  \"a\": 1\n}\n"},
		{"\"\u009b31mred\u007f\u00a0\"", false, `"\u009b31mred\u007f` + "\u00a0\"\n"},
	} {
		var out bytes.Buffer
		err := printJSON(&out, []byte(test.value), test.indented)
		if test.want == "" {
			require.Error(t, err)
		} else {
			require.NoError(t, err)
		}
		require.Equal(t, test.want, out.String())
	}
	require.Equal(t, "a b  c", stripControls("a\nb\x1b\u009bc"))
}

func TestLongTextsAreShortened(t *testing.T) {
	t.Parallel()
	require.Equal(t, strings.Repeat("é", mostShown), shorten(strings.Repeat("é", mostShown)))
	require.Equal(t, strings.Repeat("é", mostShown-1)+"…", shorten(strings.Repeat("é", mostShown+1)))
}
