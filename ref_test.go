package troupe_test

import (
	"context"
	"encoding/json"
	"go/build"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
)

type inventory struct{ troupe.Ref }

func (inventory) ActorType() string { return "inventory" }

var reserve = troupe.NewAction[inventory, int, bool]("reserve")

// recorder is a Caller that remembers the last call.
type recorder struct {
	troupe.Caller
	last troupe.Invocation
}

func (r *recorder) Invoke(_ context.Context, call troupe.Invocation) error {
	r.last = call
	return nil
}

func TestReferences(t *testing.T) {
	t.Parallel()
	var r recorder
	main := troupe.GetOrCreate[inventory](&r, "main")
	require.Equal(t, "inventory/main", main.String())
	require.Equal(t, main, troupe.GetOrCreate[inventory](&r, "main"), "references can be compared")
	require.NotEqual(t, main, troupe.Get[inventory](&r, "main"))

	_, err := reserve.Call(t.Context(), main, 5)
	require.NoError(t, err)
	require.Equal(t, "inventory.main", r.last.ID.Tokens())
	require.Equal(t, "reserve", r.last.Action)
	require.False(t, r.last.Existing)
	_, err = reserve.Call(t.Context(), troupe.Get[inventory](&r, "main"), 5)
	require.NoError(t, err)
	require.True(t, r.last.Existing)
}

func TestReferencesCrossTheWireAsText(t *testing.T) {
	t.Parallel()
	var r recorder
	sent, err := json.Marshal(map[string]inventory{"of": troupe.GetOrCreate[inventory](&r, "org1", "a/b"), "none": {}})
	require.NoError(t, err)
	require.JSONEq(t, `{"of":"inventory.org1.a=2Fb","none":""}`, string(sent))
	var arrived map[string]inventory
	require.NoError(t, json.Unmarshal(sent, &arrived))

	_, err = reserve.Call(t.Context(), arrived["of"], 1)
	require.ErrorContains(t, err, "troupe.Bind")
	_, err = reserve.Call(t.Context(), troupe.Bind(&r, arrived["of"]), 1)
	require.NoError(t, err)
	require.Equal(t, []string{"org1", "a/b"}, r.last.ID.Key())
	_, err = reserve.Call(t.Context(), arrived["none"], 1)
	require.ErrorIs(t, err, troupe.ErrBadInput)

	require.NoError(t, json.Unmarshal([]byte(`{"of":"payment.main"}`), &arrived))
	_, err = reserve.Call(t.Context(), troupe.Bind(&r, arrived["of"]), 1)
	require.ErrorContains(t, err, "the reference is to payment/main")
}

func TestReferenceThatNeverCreatesTravelsAsSuch(t *testing.T) {
	t.Parallel()
	var r recorder
	for _, format := range []struct {
		name   string
		encode func(any) ([]byte, error)
		decode func([]byte, any) error
	}{
		{"json", json.Marshal, json.Unmarshal},
		{"msgpack", func(v any) ([]byte, error) { return codec.MsgPack.Append(nil, v) }, codec.MsgPack.Unmarshal},
	} {
		for _, existing := range []bool{true, false} {
			sent := troupe.GetOrCreate[inventory](&r, "org1", "a?")
			if existing {
				sent = troupe.Get[inventory](&r, "org1", "a?")
			}
			data, err := format.encode(sent)
			require.NoError(t, err)
			var arrived inventory
			require.NoError(t, format.decode(data, &arrived))
			bound := troupe.Bind(&r, arrived)
			require.Equal(t, sent, bound, format.name)
			_, err = reserve.Call(t.Context(), bound, 1)
			require.NoError(t, err)
			require.Equal(t, existing, r.last.Existing, format.name)
		}
	}
	for _, wrong := range []string{`"?"`, `"inventory.main??"`, `"inventory?.main"`} {
		var arrived inventory
		require.ErrorIs(t, json.Unmarshal([]byte(wrong), &arrived), troupe.ErrBadInput, wrong)
		require.True(t, arrived.ID().IsZero())
	}
}

func TestPackageImportsOnlyTheStandardLibrary(t *testing.T) {
	t.Parallel()
	pkg, err := build.ImportDir(".", 0)
	require.NoError(t, err)
	for _, path := range pkg.Imports {
		require.NotContains(t, strings.Split(path, "/")[0], ".", "contracts bring what this package imports to those who import them")
	}
}
