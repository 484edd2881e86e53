package hosttest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
)

type Shelf struct{ troupe.Ref }

func (Shelf) ActorType() string { return "shelf" }

var Reserve = troupe.NewAction[Shelf, int, int]("reserve")

type shelfState struct{ Left int }

func (s *shelfState) reserve(_ *actorhost.Context, n int) (int, error) {
	s.Left -= n
	return s.Left, nil
}

var shelves = actorhost.Define(func() shelfState { return shelfState{Left: 100} },
	actorhost.On(Reserve, (*shelfState).reserve))

// One line gives a test a bus of its own, a host and a client. All of it ends with the test.
func ExampleStart() {
	runTest(func(t *testing.T) { //nolint:thelper // as func TestReserve(t *testing.T)
		t.Parallel()
		b := hosttest.Start(t, shelves)
		left, err := Reserve.Call(t.Context(), troupe.GetOrCreate[Shelf](b.Client, "main"), 5)
		require.NoError(t, err)
		require.Equal(t, 95, left)
	})
	// Output: ok
}
