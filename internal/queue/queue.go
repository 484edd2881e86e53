// Package queue has the queue of which all others are made.
package queue

// FIFO is a first-in, first-out queue. It has no limit; its users have. The zero value is empty and without memory. A
// queue that becomes empty keeps its memory until Drain. It is not safe for concurrent use.
type FIFO[T any] struct {
	items []T
	first int // index of the oldest in items
}

// Len is how many items wait.
func (q *FIFO[T]) Len() int { return len(q.items) - q.first }

// Items are the items in the queue, oldest first. The slice is valid until the queue changes.
func (q *FIFO[T]) Items() []T { return q.items[q.first:] }

// Push appends items.
func (q *FIFO[T]) Push(items ...T) {
	if len(q.items)+len(items) > cap(q.items) && q.first > len(q.items)/2 {
		n := copy(q.items, q.items[q.first:])
		clear(q.items[n:])
		q.items, q.first = q.items[:n], 0
	}
	q.items = append(q.items, items...)
}

// Pop removes the oldest item. The queue must not be empty.
func (q *FIFO[T]) Pop() T {
	var none T
	item := q.items[q.first]
	q.items[q.first] = none
	if q.first++; q.first == len(q.items) {
		q.items, q.first = q.items[:0], 0
	}
	return item
}

// Drain removes all items, oldest first, and the memory that they are in. An empty queue yields all of its memory.
func (q *FIFO[T]) Drain() []T {
	items := q.Items()
	*q = FIFO[T]{}
	return items
}

// Use gives an empty queue the capacity of a slice as its memory.
func (q *FIFO[T]) Use(memory []T) { q.items, q.first = memory[:0], 0 }
