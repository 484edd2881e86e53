// Package queue has the queue of which all others are made.
package queue

// FIFO is a first-in, first-out queue without a limit: whoever pushes has one. The zero value is empty and without memory. A
// queue that becomes empty keeps its memory; Drain takes that away. It is not safe for concurrent use.
type FIFO[T any] struct {
	items []T
	first int // of items that is still in the queue
}

// Len is how many items wait.
func (q *FIFO[T]) Len() int { return len(q.items) - q.first }

// Items are those that wait, the oldest first. They are in the memory of the queue, and good until it changes.
func (q *FIFO[T]) Items() []T { return q.items[q.first:] }

// Push adds items to the end.
func (q *FIFO[T]) Push(items ...T) {
	if len(q.items)+len(items) > cap(q.items) && q.first > len(q.items)/2 {
		n := copy(q.items, q.items[q.first:])
		clear(q.items[n:])
		q.items, q.first = q.items[:n], 0
	}
	q.items = append(q.items, items...)
}

// Pop takes the first item of a queue that is not empty.
func (q *FIFO[T]) Pop() T {
	var none T
	item := q.items[q.first]
	q.items[q.first] = none
	if q.first++; q.first == len(q.items) {
		q.items, q.first = q.items[:0], 0
	}
	return item
}

// Drain takes all items, the oldest first, and the memory that they are in. Of an empty queue that is all of its memory.
func (q *FIFO[T]) Drain() []T {
	items := q.Items()
	*q = FIFO[T]{}
	return items
}

// Use gives an empty queue memory for its items: the capacity of a slice.
func (q *FIFO[T]) Use(memory []T) { q.items, q.first = memory[:0], 0 }
