package store

import "time"

// batchPolicy decides whether writes go out as atomic batches. A server that syncs each write to the disk is slow, and
// stores a batch in little more time than a single write. For other servers a batch is slower. The policy finds out
// which it is by measuring the acknowledgements, first of single writes, then of batches.
type batchPolicy struct {
	batching    bool
	unsupported bool // the stream takes no batches

	since  time.Time     // of the first acknowledgement that is counted
	count  int           // acknowledgements
	writes int           // the writes that those had to wait for, including their own
	total  time.Duration // the sum of the times from sending to acknowledgement

	singleTime time.Duration // the time per single write before batching
	until      time.Time     // when batching ends, or when it may be tried again
	backoff    time.Duration // how long single writes are used after batches that were not faster
}

const (
	slowWrite    = 100 * time.Microsecond
	minObserved  = 100 * time.Millisecond // long enough to include some of the server's periodic syncs
	minSingles   = 64                     // acknowledgements before a decision
	minBatches   = 4
	minSpeedup   = 2 // how many times faster batches must be
	batchFor     = 20 * time.Second
	firstBackoff = time.Second
	maxBackoff   = time.Minute
)

// observe counts the acknowledgement of a flight, and decides when there are enough.
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
