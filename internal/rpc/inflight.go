package rpc

import (
	"maps"
	"time"
)

// inflight is the list of requests to one receiver that have not ended, by their numbers. It also knows which host last
// said that it has the receiver, if one has. An empty list is kept until there are too many, because the receiver is
// likely to get another request.
type inflight struct {
	first, last *Request
	host        *host
	hostSeen    time.Time
}

// addInflight adds a request to the list of its receiver. The caller holds r.mu.
func (r *Requester) addInflight(q *Request) *inflight {
	l := r.inflight[q.to]
	if l == nil {
		if len(r.inflight) >= max(maxReceivers, 2*r.keptReceivers) {
			maps.DeleteFunc(r.inflight, func(_ string, l *inflight) bool { return l.first == nil })
			r.keptReceivers = len(r.inflight)
		}
		l = new(inflight)
		r.inflight[q.to] = l
	}
	if q.prev = l.last; q.prev == nil {
		l.first = q
	} else {
		q.prev.next = q
	}
	l.last, q.inflight = q, l
	return l
}

// removeInflight removes a request from the list of its receiver. The caller holds r.mu.
func (r *Requester) removeInflight(q *Request) {
	l := q.inflight
	if q.prev == nil {
		l.first = q.next
	} else {
		q.prev.next = q.next
	}
	if q.next == nil {
		l.last = q.prev
	} else {
		q.next.prev = q.prev
	}
	q.prev, q.next, q.inflight = nil, nil, nil
}
