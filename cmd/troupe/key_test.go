package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
)

func TestParseKey(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"":             nil,
		"main":         {"main"},
		"org1/lobby":   {"org1", "lobby"},
		"=":            {""},
		"a/=/b":        {"a", "", "b"},
		"a b":          {"a b"},
		"x.y":          {"x.y"},
		"*/>":          {"*", ">"},
		"caf\u00e9":    {"caf\u00e9"},
		"a=2Fb":        {"a/b"},
		"=3D":          {"="},
		"1=3D1/=20=20": {"1=1", "  "},
		"=FF=00":       {"\xff\x00"},
		"-5":           {"-5"},
	} {
		got, err := parseKey(text)
		require.NoError(t, err, "%q", text)
		require.Equal(t, want, got, "%q", text)

		id, err := troupe.NewID("room", got...)
		require.NoError(t, err, "%q", text)
		again, err := parseKey(id.KeyString())
		require.NoError(t, err, "%q", id.KeyString())
		require.Equal(t, want, again, "what hosts say of a key can be used as one")
		again, err = parseKey(keyText(id))
		require.NoError(t, err, "%q", keyText(id))
		require.Equal(t, want, again, "what is printed of a key can be used as one")
	}
	for _, text := range []string{"/", "a/", "/a", "a//b", "a=b", "a=2", "a=2f", "a=", "==", "=+1", "=G0", "=-1"} {
		_, err := parseKey(text)
		require.Error(t, err, "%q", text)
		require.ErrorContains(t, err, "write", "%q", text)
	}
}

func TestKeyTextIsReadable(t *testing.T) {
	t.Parallel()
	for want, key := range map[string][]string{
		"":                                nil,
		"=":                               {""},
		"\u043a\u043b\u044e\u0447/\u9375": {"\u043a\u043b\u044e\u0447", "\u9375"},
		"ann@example.com":                 {"ann@example.com"},
		"a=20b=2Fc=3Dd":                   {"a b/c=d"},
		"=2A/=3E":                         {"*", ">"},
		"=2Df/-f":                         {"-f", "-f"},
		"=FF=C3\ufffd":                    {"\xff\xc3\ufffd"},
		"=E2=80=AE=1B=C2=85=C2=A0":        {"\u202e\x1b\u0085\u00a0"}, // no letters
	} {
		id, err := troupe.NewID("room", key...)
		require.NoError(t, err)
		require.Equal(t, want, keyText(id))
		again, err := parseKey(want)
		require.NoError(t, err)
		require.Equal(t, key, again)
	}
}

func FuzzParseKey(f *testing.F) {
	f.Add("org1", "lobby")
	f.Add("", "=2F")
	f.Fuzz(func(t *testing.T, a, b string) {
		id, err := troupe.NewID("room", a, b)
		if err != nil {
			t.Skip(err)
		}
		key, err := parseKey(id.KeyString())
		require.NoError(t, err)
		require.Equal(t, []string{a, b}, key)
		key, err = parseKey(keyText(id))
		require.NoError(t, err)
		require.Equal(t, []string{a, b}, key)
		raw, err := parseKey(a)
		if err == nil && len(raw) <= troupe.MaxKeyParts {
			_, err = troupe.NewID("room", raw...)
			require.NoError(t, err, "a key is never longer than its text")
		}
	})
}
