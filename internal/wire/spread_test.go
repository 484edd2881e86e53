package wire_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/troupe-go/troupe/internal/wire"
)

func spreadOf(all ...time.Duration) wire.Spread {
	var counts [wire.SpreadBuckets]int64
	var sum time.Duration
	for _, d := range all {
		counts[wire.BucketOf(d)]++
		sum += d
	}
	return wire.SpreadOf(&counts, sum)
}

func TestBucketsFollowEachOther(t *testing.T) {
	t.Parallel()
	last := 0
	for d := time.Microsecond; d < 2*time.Hour; d += max(d/100, 1) {
		bucket := wire.BucketOf(d)
		require.LessOrEqual(t, last, bucket, d)
		if bucket < wire.SpreadBuckets-1 && d > 100*time.Microsecond {
			require.InEpsilon(t, float64(d), float64(wire.BucketEnd(bucket)), 0.19, d)
		}
		last = bucket
	}
	require.Equal(t, wire.SpreadBuckets-1, last)
	require.Zero(t, wire.BucketOf(-time.Second))
}

func TestQuantilesAreOffByATenthAtMost(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(rapid.Int64Range(int64(20*time.Microsecond), int64(time.Hour)), 1, 300).Draw(t, "durations")
		share := rapid.Float64Range(0, 1).Draw(t, "share")
		durations := make([]time.Duration, len(all))
		for i, d := range all {
			durations[i] = time.Duration(d)
		}
		s := spreadOf(durations...)
		slices.Sort(all)
		rank := max(int(math.Ceil(share*float64(len(all)))), 1)
		require.InEpsilon(t, float64(all[rank-1]), float64(s.Quantile(share)), 0.1)
	})
}

func TestSpreadsAddUp(t *testing.T) {
	t.Parallel()
	first, both := spreadOf(time.Millisecond, time.Second), spreadOf(time.Millisecond, time.Second, time.Second, time.Minute)
	require.Equal(t, int64(4), both.Count)
	later := both.Since(first)
	require.Equal(t, spreadOf(time.Second, time.Minute), later)
	require.Equal(t, both, first.Plus(later))
	require.Zero(t, wire.Spread{}.Quantile(0.5))
	foreign := wire.Spread{Buckets: []int64{-1, 7, 999, 3, 5}} // by a program of another version
	require.Zero(t, foreign.Quantile(1))
}
