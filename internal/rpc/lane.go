package rpc

import (
	"maps"
	"time"
)

// lane holds the requests to one receiver that have not ended, by their numbers, and which host has last told that it
// has the receiver, if one has. An empty one is kept until there are too many: the receiver is likely to get another.
type lane struct {
	first, last *Request
	host        *host
	told        time.Time
}

// enter puts a request into the lane of its receiver. The caller holds r.mu.
func (r *Requester) enter(q *Request) *lane {
	l := r.lanes[q.to]
	if l == nil {
		if len(r.lanes) >= max(maxKnown, 2*r.busyLanes) {
			maps.DeleteFunc(r.lanes, func(_ string, l *lane) bool { return l.first == nil })
			r.busyLanes = len(r.lanes)
		}
		l = new(lane)
		r.lanes[q.to] = l
	}
	if q.prev = l.last; q.prev == nil {
		l.first = q
	} else {
		q.prev.next = q
	}
	l.last, q.lane = q, l
	return l
}

// leave takes a request out of its lane. The caller holds r.mu.
func (r *Requester) leave(q *Request) {
	l := q.lane
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
	q.prev, q.next, q.lane = nil, nil, nil
}
