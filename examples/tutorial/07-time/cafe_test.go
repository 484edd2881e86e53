package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/hosttest"
)

func TestMain(m *testing.M) { hosttest.Main(m) }

// Two hours pass in some milliseconds.
func TestTableIsFreeAgain(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, actors...)
	table := troupe.GetOrCreate[Table](b.Client, "window")
	_, err := Reserve.Call(t.Context(), table, Reservation{Guest: "anna", For: 2 * time.Hour})
	require.NoError(t, err)

	b.Advance(time.Hour)
	_, err = Reserve.Call(t.Context(), table, Reservation{Guest: "ben", For: time.Hour})
	require.ErrorIs(t, err, ErrTaken)

	b.Advance(time.Hour)
	_, err = Reserve.Call(t.Context(), table, Reservation{Guest: "ben", For: time.Hour})
	require.NoError(t, err)
}
