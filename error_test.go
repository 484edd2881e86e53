package troupe_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
)

func TestErrorsAreComparedByCodeAndOrigin(t *testing.T) {
	t.Parallel()
	soldOut := troupe.NewError("sold_out", "nothing left")
	wrapped := fmt.Errorf("ordering: %w", soldOut.With("left", 0))
	require.ErrorIs(t, wrapped, soldOut)
	require.NotErrorIs(t, wrapped, troupe.NewError("refused", ""))
	require.NotErrorIs(t, troupe.NewError(troupe.CodeNotFound, "no such book"), troupe.ErrNotFound, "an actor's own not_found is another")
	require.NotErrorIs(t, errors.New("nothing left"), soldOut)

	var user *troupe.Error
	require.ErrorAs(t, wrapped, &user)
	require.True(t, user.FromActor)
	require.Equal(t, "sold_out: nothing left", user.Error())
	require.Equal(t, map[string]any{"left": 0}, user.Metadata)
	require.Nil(t, soldOut.Metadata, "With leaves the sentinel as it is")
}
