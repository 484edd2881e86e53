package bus

// fifo is a queue. The zero value is an empty one.
type fifo[T any] struct {
	items []T
	first int // of items that is still in the queue
}

func (q *fifo[T]) len() int { return len(q.items) - q.first }

func (q *fifo[T]) push(items ...T) {
	if len(q.items)+len(items) > cap(q.items) && q.first > len(q.items)/2 {
		n := copy(q.items, q.items[q.first:])
		clear(q.items[n:])
		q.items, q.first = q.items[:n], 0
	}
	q.items = append(q.items, items...)
}

// pop takes the first item of a queue that is not empty.
func (q *fifo[T]) pop() T {
	var none T
	item := q.items[q.first]
	q.items[q.first] = none
	if q.first++; q.first == len(q.items) {
		q.items, q.first = q.items[:0], 0
	}
	return item
}
