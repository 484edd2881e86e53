package store

import "time"

// batchPolicy decides whether writes go out in batches. A server that syncs each write to the disk takes its time, and stores a
// batch in little more. For others a batch is the slower way. How long the answers take tells which it is, first of
// single writes, then of batches.
type batchPolicy struct {
	batching    bool
	unsupported bool // the stream takes none

	since  time.Time     // of the first answer that is counted
	count  int           // of answers
	writes int           // that the server had before it when they were sent, and their own
	total  time.Duration // from their sending

	singleTime time.Duration // what a single write has taken
	until      time.Time     // when batches are left, or may be tried again
	backoff    time.Duration // of single writes, after batches that were no better
}

const (
	slowWrite    = 100 * time.Microsecond
	minObserved  = 100 * time.Millisecond // some of the times that a server syncs on its own are in it
	minSingles   = 64                     // at least
	minBatches   = 4
	minSpeedup   = 2 // times as fast a batch must be
	batchFor     = 20 * time.Second
	firstBackoff = time.Second
	maxBackoff   = time.Minute
)

// observe counts the answer to a flight.
func (p *batchPolicy) observe(f *flight, now time.Time) {
	isBatch := len(f.writes) > 1
	if p.unsupported || isBatch != p.batching || !isBatch && (f.ahead < minWindow/2 || now.Before(p.until)) {
		return
	}
	if p.count == 0 {
		p.since = now
	}
	p.count++
	p.writes += f.ahead + len(f.writes)
	p.total += now.Sub(f.sent)
	each := p.total / time.Duration(p.writes)
	switch {
	case isBatch && p.count >= minBatches && each*minSpeedup > p.singleTime:
		backoff := min(max(2*p.backoff, firstBackoff), maxBackoff)
		*p = batchPolicy{backoff: backoff, until: now.Add(backoff)}
	case isBatch && now.After(p.until):
		*p = batchPolicy{}
	case !isBatch && p.count >= minSingles && now.Sub(p.since) >= minObserved:
		*p = batchPolicy{backoff: p.backoff}
		if each > slowWrite {
			p.batching, p.singleTime, p.until = true, each, now.Add(batchFor)
		}
	}
}
