package codec_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/troupe-go/troupe/codec"
)

func TestMerge(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ what, stored, base, changed, want string }{
		{"nothing is unknown", `{"a":1}`, `{"a":1}`, `{"a":2}`, `{"a":2}`},
		{"nothing has changed", `{"a":1,"new":[2]}`, `{"a":1}`, `{"a":1}`, `{"a":1,"new":[2]}`},
		{"a field is unknown", `{"a":1,"new":[2]}`, `{"a":1}`, `{"a":3}`, `{"a":3,"new":[2]}`},
		{"a field is added", `{"a":1,"new":2}`, `{"a":1}`, `{"a":1,"b":4}`, `{"a":1,"b":4,"new":2}`},
		{"a field is removed", `{"a":1,"b":1,"new":2}`, `{"a":1,"b":1}`, `{"a":1}`, `{"a":1,"new":2}`},
		{"a zero was stored that is left out now", `{"a":1,"b":0}`, `{"a":1}`, `{"a":1,"b":5}`, `{"a":1,"b":5}`},
		{"deeper", `{"a":{"b":{"c":1,"new":1}}}`, `{"a":{"b":{"c":1}}}`, `{"a":{"b":{"c":2}}}`, `{"a":{"b":{"c":2,"new":1}}}`},
		{"a map is emptied", `{"m":{"x":{"c":1,"new":1}}}`, `{"m":{"x":{"c":1}}}`, `{"m":{}}`, `{"m":{}}`},
		{"a map becomes nil", `{"m":{"c":1,"new":1}}`, `{"m":{"c":1}}`, `{"m":null}`, `{"m":null}`},
		{"another kind", `{"m":{"c":1,"new":1}}`, `{"m":{"c":1}}`, `{"m":[1]}`, `{"m":[1]}`},
		{"an element is appended", `[{"c":1,"new":1}]`, `[{"c":1}]`, `[{"c":1},{"c":2}]`, `[{"c":1,"new":1},{"c":2}]`},
		{"an element is removed", `[{"c":1,"new":1},{"c":2,"new":2}]`, `[{"c":1},{"c":2}]`, `[{"c":2}]`, `[{"c":2,"new":2}]`},
		{"an element is changed", `[{"c":1,"new":1},{"c":2,"new":2}]`, `[{"c":1},{"c":2}]`, `[{"c":1},{"c":3}]`,
			`[{"c":1,"new":1},{"c":3,"new":2}]`},
		{"elements change places", `[{"c":1,"new":1},{"c":2,"new":2}]`, `[{"c":1},{"c":2}]`, `[{"c":2},{"c":1}]`,
			`[{"c":2,"new":2},{"c":1,"new":1}]`},
		{"equal elements", `[{"c":1,"new":1},{"c":1,"new":2}]`, `[{"c":1},{"c":1}]`, `[{"c":1},{"c":1},{"c":1}]`,
			`[{"c":1,"new":1},{"c":1,"new":2},{"c":1}]`},
		{"one is removed and one is changed", `[{"c":1,"new":1},{"c":2,"new":2}]`, `[{"c":1},{"c":2}]`, `[{"c":3}]`, `[{"c":3}]`},
		{"a moved element's place is taken", `[{"c":1,"new":1},{"c":2,"new":2}]`, `[{"c":1},{"c":2}]`, `[{"c":2},{"c":3}]`,
			`[{"c":2,"new":2},{"c":3}]`},
	} {
		t.Run(test.what, func(t *testing.T) {
			t.Parallel()
			merged, err := codec.Merge(fromJSON(t, test.stored), fromJSON(t, test.base), fromJSON(t, test.changed))
			require.NoError(t, err)
			text, err := codec.ToJSON(merged)
			require.NoError(t, err)
			require.JSONEq(t, test.want, string(text))
		})
	}
	for _, bad := range []string{"", "c1", "81 01", "01 01"} {
		for i := range 3 {
			three := [][]byte{pack("80"), pack("80"), pack("80")}
			three[i] = pack(bad)
			_, err := codec.Merge(three[0], three[1], three[2])
			require.Error(t, err, bad)
		}
	}
}

func fromJSON(t *testing.T, text string) []byte {
	t.Helper()
	var v any
	require.NoError(t, codec.JSON.Unmarshal([]byte(text), &v))
	data, err := codec.MsgPack.Append(nil, v)
	require.NoError(t, err)
	return data
}

// older and newer are a struct before and after fields were added.
type older struct {
	N    int              `json:"n"`
	Sub  olderSub         `json:"sub"`
	Subs map[string]older `json:"subs"`
}

type olderSub struct {
	S string `json:"s,omitempty"`
}

type newer struct {
	Added int              `json:"added"`
	N     int              `json:"n"`
	Sub   newerSub         `json:"sub"`
	Subs  map[string]newer `json:"subs"`
	Tags  []string         `json:"tags"`
}

type newerSub struct {
	S    string            `json:"s,omitempty"`
	More map[string]string `json:"more"`
}

// TestMergeKeepsWhatAnOlderStructLacks lets an older program change values of a newer one.
func TestMergeKeepsWhatAnOlderStructLacks(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		before := drawNewer(t, 2)
		stored, err := codec.MsgPack.Append(nil, before)
		require.NoError(t, err)
		var known older
		require.NoError(t, codec.Update(stored, &known))
		base, err := codec.MsgPack.Append(nil, known)
		require.NoError(t, err)

		edit := rapid.Int().Draw(t, "n")
		known.N, known.Sub.S = edit, "edited"
		before.N, before.Sub.S = edit, "edited"
		for key, sub := range known.Subs {
			if rapid.Bool().Draw(t, "drop") {
				delete(known.Subs, key)
				delete(before.Subs, key)
				continue
			}
			sub.N = edit
			known.Subs[key] = sub
			whole := before.Subs[key]
			whole.N = edit
			before.Subs[key] = whole
		}
		changed, err := codec.MsgPack.Append(nil, known)
		require.NoError(t, err)
		merged, err := codec.Merge(stored, base, changed)
		require.NoError(t, err)
		want, err := codec.MsgPack.Append(nil, before)
		require.NoError(t, err)
		require.True(t, codec.Equal(want, merged), "%x, want %x", merged, want)
	})
}

func drawNewer(t *rapid.T, depth int) newer {
	n := newer{
		Added: rapid.Int().Draw(t, "added"), N: rapid.Int().Draw(t, "n"),
		Sub: newerSub{
			S:    rapid.String().Draw(t, "s"),
			More: rapid.MapOfN(rapid.String(), rapid.String(), 0, 20).Draw(t, "more"),
		},
		Subs: map[string]newer{},
		Tags: rapid.SliceOfN(rapid.String(), 0, 20).Draw(t, "tags"),
	}
	if depth > 0 {
		for _, key := range rapid.SliceOfN(rapid.String(), 0, 3).Draw(t, "keys") {
			n.Subs[key] = drawNewer(t, depth-1)
		}
	}
	return n
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	type embedded struct{ In int }
	type value struct {
		Kept    map[string]int
		Nil     map[string]int
		Omitted string `json:",omitempty"`
		Struct  struct{ A, B int }
		embedded
		private int
	}
	made := func() value {
		v := value{Kept: map[string]int{"a": 1}, Nil: map[string]int{"b": 1}, Omitted: "was", embedded: embedded{3}, private: 7}
		v.Struct.A, v.Struct.B = 1, 2
		return v
	}
	got := made()
	require.NoError(t, codec.Update(fromJSON(t, `{"Nil":null,"Struct":{"A":5},"Unknown":[1]}`), &got))
	want := made()
	want.Nil, want.Omitted = nil, ""
	want.Struct.A, want.Struct.B = 5, 0
	require.Equal(t, want, got)

	for _, bad := range []string{`{"Kept":1}`, `[]`, `{"In":"x"}`, `null`} {
		require.Error(t, codec.Update(fromJSON(t, bad), &got), bad)
	}
	require.Error(t, codec.Update(nil, &got))
	require.Error(t, codec.Update(pack("82 'In' 01 'In' 02"), &got))
	require.Error(t, codec.Update(fromJSON(t, `{}`), got))

	numbers := []int{1, 2}
	require.NoError(t, codec.Update(fromJSON(t, `[3]`), &numbers))
	require.Equal(t, []int{3}, numbers)
}
