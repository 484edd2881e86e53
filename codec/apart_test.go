package codec_test

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/codec"
)

// shelf is kept apart from what has it.
type shelf[K, V any] struct {
	_ codec.Apart
	_ byte
}

type hall struct{ Rooms shelf[string, int] }

func TestWhatIsKeptApartIsNotEncoded(t *testing.T) {
	t.Parallel()
	type library struct {
		Name  string             `json:"name"`
		Books shelf[string, int] `json:"books"`
		hall
		Hidden shelf[string, int] `json:"-"`
	}
	for _, c := range []codec.Codec{codec.MsgPack} {
		encoded, err := c.Append(nil, &library{Name: "a"})
		require.NoError(t, err)
		require.Equal(t, "\x81\xa4name\xa1a", string(encoded))
		var decoded library
		require.NoError(t, c.Unmarshal([]byte("\x82\xa4name\xa1b\xa5books\x01"), &decoded), "another program may have had it as a field")
		require.Equal(t, "b", decoded.Name)
	}
	require.NoError(t, codec.Settle(&library{}))

	found, err := codec.FieldsApart(reflect.TypeFor[library]())
	require.NoError(t, err)
	require.Equal(t, []codec.FieldApart{{Name: "books", Index: []int{1}}, {Name: "Rooms", Index: []int{2, 0}}}, found)
}

func TestWhatIsKeptApartIsAFieldOfTheStructItself(t *testing.T) {
	t.Parallel()
	for _, wrong := range []reflect.Type{
		reflect.TypeFor[struct{ Halls []hall }](), reflect.TypeFor[struct{ Hall *hall }](), reflect.TypeFor[struct{ Hall hall }](),
		reflect.TypeFor[map[string]hall](),
	} {
		_, err := codec.FieldsApart(wrong)
		require.ErrorContains(t, err, "kept apart", wrong)
	}
	for _, none := range []reflect.Type{reflect.TypeFor[struct{}](), reflect.TypeFor[int](), reflect.TypeFor[struct{ A []int }]()} {
		found, err := codec.FieldsApart(none)
		require.NoError(t, err)
		require.Empty(t, found)
	}
}
