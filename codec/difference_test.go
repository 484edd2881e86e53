package codec_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
)

type differing struct {
	Any     any
	At      time.Time
	Float   float64
	List    []int
	Map     map[string]*leaf
	One     *leaf
	Other   *leaf
	hidden  int
	Skipped int `json:"-"`
	Room    troupe.Ref
}

func TestDifferenceNamesThePlace(t *testing.T) {
	t.Parallel()
	both := &leaf{}
	zone := time.FixedZone("", 3600)
	tests := map[string]struct {
		a, b differing
		want string // of the error; none if it is empty
	}{
		"nothing":        {differing{}, differing{}, ""},
		"not encoded":    {differing{hidden: 1, Skipped: 1}, differing{}, ""},
		"nil list":       {differing{List: []int{}}, differing{}, ""},
		"NaN":            {differing{Float: math.NaN()}, differing{Float: math.NaN()}, ""},
		"same moment":    {differing{At: time.Unix(0, 0).In(zone)}, differing{At: time.Unix(0, 0).In(time.FixedZone("a", 3600))}, ""},
		"other offset":   {differing{At: time.Unix(0, 0).In(zone)}, differing{At: time.Unix(0, 0).UTC()}, "At: the time 1970-01-01T01:00:00+01:00 comes back as 1970-01-01T00:00:00Z"},
		"other type":     {differing{Any: 1}, differing{Any: int64(1)}, "Any: a int comes back as a int64"},
		"lost":           {differing{Any: 1}, differing{}, "Any: a int comes back as nil"},
		"number":         {differing{List: []int{1, 2}}, differing{List: []int{1, 3}}, "List[1]: 2 comes back as 3"},
		"shorter":        {differing{List: []int{1, 2}}, differing{List: []int{1}}, "List: a list of 2 comes back as one of 1"},
		"entry":          {differing{Map: map[string]*leaf{"a": {}}}, differing{Map: map[string]*leaf{"b": {}}}, `Map["a"]: the entry is lost`},
		"shared pointer": {differing{One: both, Other: both}, differing{One: &leaf{}, Other: &leaf{}}, "Other: another pointer leads to the same codec_test.leaf; they come back as two"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := codec.Difference(&tt.a, &tt.b)
			if tt.want == "" {
				require.NoError(t, err)
			} else {
				require.EqualError(t, err, tt.want)
			}
		})
	}
}
