package wire

import (
	"math"
	"math/bits"
	"slices"
	"time"
)

// SpreadBuckets is how many buckets a [Spread] has: four for each doubling, from 1 µs to 71 minutes. A time that is read
// from them is off by 10 % at most.
const SpreadBuckets = 128

const bucketsPerDoubling = 4

// Spread says how durations are spread: how many lie in each bucket. The zero Spread has none.
type Spread struct {
	Count   int64   `json:"count"`
	Seconds float64 `json:"seconds"` // all of them together
	// Buckets has pairs: the number of a bucket and how many lie in it. Bucket i ends at 2^((i+1)/4) microseconds. The last
	// has all that are longer too.
	Buckets []int64 `json:"buckets,omitempty"`
}

// BucketOf is the number of the bucket that a duration lies in.
func BucketOf(d time.Duration) int {
	us := uint64(max(d/time.Microsecond, 1))
	doubling := bits.Len64(us) - 1
	bucket := bucketsPerDoubling * doubling
	const precision = 10                                                // bits below the first
	for _, quarter := range [...]uint64{1218 - 1, 1449 - 1, 1723 - 1} { // 1024 times the fourth roots of 2, 4 and 8
		if us<<(63-doubling)>>(63-precision) > quarter {
			bucket++
		}
	}
	return min(bucket, SpreadBuckets-1)
}

// BucketEnd is where a bucket ends.
func BucketEnd(bucket int) time.Duration { return microseconds(float64(bucket+1) / bucketsPerDoubling) }

func microseconds(log float64) time.Duration {
	return time.Duration(math.Exp2(log) * float64(time.Microsecond))
}

// SpreadOf makes a Spread of how many durations lie in each bucket.
func SpreadOf(counts *[SpreadBuckets]int64, sum time.Duration) (s Spread) {
	s.Seconds = sum.Seconds()
	for bucket, n := range counts {
		if n != 0 {
			s.Count += n
			s.Buckets = append(s.Buckets, int64(bucket), n)
		}
	}
	return s
}

// counts are those of the buckets. Numbers that are none of a bucket, as a host of another version may send, are left out.
func (s Spread) counts() (counts [SpreadBuckets]int64) {
	for pair := range slices.Chunk(s.Buckets, 2) {
		if len(pair) == 2 && pair[0] >= 0 && pair[0] < SpreadBuckets {
			counts[pair[0]] += pair[1]
		}
	}
	return counts
}

// Plus has the durations of both.
func (s Spread) Plus(other Spread) Spread { return s.combine(other, 1) }

// Since has those that have come since an earlier Spread of the same.
func (s Spread) Since(earlier Spread) Spread { return s.combine(earlier, -1) }

func (s Spread) combine(other Spread, sign int64) Spread {
	counts := s.counts()
	for bucket, n := range other.counts() {
		counts[bucket] = max(counts[bucket]+sign*n, 0)
	}
	all := SpreadOf(&counts, 0)
	all.Seconds = max(s.Seconds+float64(sign)*other.Seconds, 0)
	return all
}

// Quantile is the duration that a share of all, from 0 to 1, are not longer than; zero if there are none.
func (s Spread) Quantile(share float64) time.Duration {
	counts := s.counts()
	var all int64
	for _, n := range counts {
		all += n
	}
	if all == 0 {
		return 0
	}
	rank := max(int64(math.Ceil(share*float64(all))), 1)
	for bucket, n := range counts {
		if rank -= n; rank <= 0 {
			return microseconds((float64(bucket) + 0.5) / bucketsPerDoubling)
		}
	}
	return BucketEnd(SpreadBuckets - 1)
}
