package store

import "time"

// pace decides whether writes go out in batches. A server that syncs each write to the disk takes its time, and stores a
// batch in little more. For others a batch is the slower way. How long the answers take tells which it is, first of
// single writes, then of batches.
type pace struct {
	batches bool
	never   bool // the stream takes none

	since  time.Time     // of the first answer that is counted
	count  int           // of answers
	writes int           // that the server had before it when they were sent, and their own
	took   time.Duration // from their sending

	single time.Duration // what a single write has taken
	until  time.Time     // when batches are left, or may be tried again
	rest   time.Duration // of single writes, after batches that were no better
}

const (
	slowWrite     = 100 * time.Microsecond
	judgeAfter    = 100 * time.Millisecond // some of the times that a server syncs on its own are in it
	judgeSingles  = 64                     // at least
	judgeBatches  = 4
	worthBatching = 2 // times as fast a batch must be
	keepBatching  = 20 * time.Second
	firstRest     = time.Second
	longestRest   = time.Minute
)

// answer counts the answer to a flight.
func (p *pace) answer(f *flight, now time.Time) {
	isBatch := len(f.writes) > 1
	if p.never || isBatch != p.batches || !isBatch && (f.behind < minWindow/2 || now.Before(p.until)) {
		return
	}
	if p.count == 0 {
		p.since = now
	}
	p.count++
	p.writes += f.behind + len(f.writes)
	p.took += now.Sub(f.sent)
	each := p.took / time.Duration(p.writes)
	switch {
	case isBatch && p.count >= judgeBatches && each*worthBatching > p.single:
		rest := min(max(2*p.rest, firstRest), longestRest)
		*p = pace{rest: rest, until: now.Add(rest)}
	case isBatch && now.After(p.until):
		*p = pace{}
	case !isBatch && p.count >= judgeSingles && now.Sub(p.since) >= judgeAfter:
		*p = pace{rest: p.rest}
		if each > slowWrite {
			p.batches, p.single, p.until = true, each, now.Add(keepBatching)
		}
	}
}
