package troupe_test

import (
	"context"
	"encoding/json"
	"go/build"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
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

func TestPackageImportsOnlyTheStandardLibrary(t *testing.T) {
	t.Parallel()
	pkg, err := build.ImportDir(".", 0)
	require.NoError(t, err)
	for _, path := range pkg.Imports {
		require.NotContains(t, strings.Split(path, "/")[0], ".", "contracts bring what this package imports to those who import them")
	}
}
