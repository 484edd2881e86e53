package troupe_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/troupe-go/troupe"
)

func TestIDTokens(t *testing.T) {
	t.Parallel()
	for tokens, key := range map[string][]string{
		"room":                    nil,
		"room.=":                  {""},
		"room.lobby":              {"lobby"},
		"room.org1.lobby":         {"org1", "lobby"},
		"room.a.=":                {"a", ""},
		"room.a=2Fb":              {"a/b"},
		"room.a=2Eb":              {"a.b"},
		"room.=2A":                {"*"},
		"room.=3E":                {">"},
		"room.=3D":                {"="},
		"room.=20=0A=00":          {" \n\x00"},
		"room.caf=C3=A9":          {"café"},
		"room.=FF":                {"\xff"},
		"room.A_b-9":              {"A_b-9"},
		"room.Lobby":              {"Lobby"},
		"room.=24KV":              {"$KV"},
		"room." + rep("x."):       manyParts(troupe.MaxKeyParts),
		"room." + rep1024("y", 1): {strings.Repeat("y", troupe.MaxKeyBytes)},
	} {
		id, err := troupe.NewID("room", key...)
		require.NoError(t, err)
		require.Equal(t, tokens, id.Tokens())
		require.Equal(t, "room", id.Type())
		require.Equal(t, key, id.Key())
		require.Equal(t, strings.ReplaceAll(tokens, ".", "/"), id.String())
		parsed, err := troupe.ParseID(tokens)
		require.NoError(t, err)
		require.Equal(t, id, parsed)
	}
}

func rep(part string) string {
	return strings.TrimSuffix(strings.Repeat(part, troupe.MaxKeyParts), ".")
}

func rep1024(s string, n int) string { return strings.Repeat(s, troupe.MaxKeyBytes/n) }

func manyParts(n int) []string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = "x"
	}
	return parts
}

func TestWrongIDsAreRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		actorType string
		key       []string
	}{
		"no type":          {"", nil},
		"type with a dot":  {"a.b", nil},
		"type of a digit":  {"1a", nil},
		"type too long":    {strings.Repeat("t", troupe.MaxNameBytes+1), nil},
		"too many parts":   {"room", manyParts(troupe.MaxKeyParts + 1)},
		"too many bytes":   {"room", []string{strings.Repeat("k", troupe.MaxKeyBytes), "k"}},
		"a wildcard":       {"*", nil},
		"not only letters": {"räume", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			id, err := troupe.NewID(test.actorType, test.key...)
			require.ErrorIs(t, err, troupe.ErrBadInput)
			require.True(t, id.IsZero())
		})
	}
	_, err := troupe.ParseID("room" + strings.Repeat(".x", 1<<20))
	require.ErrorIs(t, err, troupe.ErrBadInput)
	require.Less(t, len(err.Error()), 200)
	longest, err := troupe.NewID(strings.Repeat("t", troupe.MaxNameBytes), append(manyParts(troupe.MaxKeyParts-1), strings.Repeat(".", troupe.MaxKeyBytes-troupe.MaxKeyParts+1))...)
	require.NoError(t, err)
	parsed, err := troupe.ParseID(longest.Tokens())
	require.NoError(t, err)
	require.Equal(t, longest, parsed)
	for _, tokens := range []string{"", ".", "room.", "room..a", "room.a b", "room.*", "room.>", "room.=2", "room.=zz", "room.=2a", "room.=41", "room.é", "room.a="} {
		_, err := troupe.ParseID(tokens)
		require.ErrorIs(t, err, troupe.ErrBadInput, "%q", tokens)
	}
}

// kvKey is what JetStream's key-value store takes as a key.
var kvKey = regexp.MustCompile(`^[-/_=.a-zA-Z0-9]+$`)

func keys() *rapid.Generator[[]string] {
	part := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-c./=*> ]{0,4}`), rapid.Just(""))
	return rapid.SliceOfN(part, 0, 5)
}

func TestKeysAndTokensAreOneToOne(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := keys().Draw(t, "a"), keys().Draw(t, "b")
		idA, err := troupe.NewID("room", a...)
		if err != nil {
			t.Skip("longer than a key may be")
		}
		if !kvKey.MatchString(idA.Tokens()) || strings.Contains(idA.Tokens(), "..") || strings.HasSuffix(idA.Tokens(), ".") {
			t.Fatalf("%q is no key of a bucket", idA.Tokens())
		}
		parsed, err := troupe.ParseID(idA.Tokens())
		if err != nil || parsed != idA || strings.Join(parsed.Key(), "\x00|") != strings.Join(a, "\x00|") || len(parsed.Key()) != len(a) {
			t.Fatalf("%q came back as %q, %v", a, parsed.Key(), err)
		}
		idB, err := troupe.NewID("room", b...)
		if err != nil {
			t.Skip("longer than a key may be")
		}
		if same := len(a) == len(b) && strings.Join(a, "\x00|") == strings.Join(b, "\x00|"); same != (idA == idB) {
			t.Fatalf("%q and %q have the tokens %q and %q", a, b, idA.Tokens(), idB.Tokens())
		}
	})
}

func FuzzParseID(f *testing.F) {
	for _, seed := range []string{"room", "room.=", "room.a.b", "room.=2F", "room.=", "room.==", "a..b", "=", "room.=2"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, tokens string) {
		id, err := troupe.ParseID(tokens)
		if err != nil {
			return
		}
		again, err := troupe.NewID(id.Type(), id.Key()...)
		if err != nil || again != id || id.Tokens() != tokens {
			t.Fatalf("%q is %q, %v", tokens, again.Tokens(), err)
		}
	})
}
