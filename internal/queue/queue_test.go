package queue_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/troupe-go/troupe/internal/queue"
)

// TestQueueIsThatOfTheModel applies random operations to a queue and to a slice.
func TestQueueIsThatOfTheModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var q queue.FIFO[int]
		var model []int
		last := 0
		t.Repeat(map[string]func(*rapid.T){
			"push": func(t *rapid.T) {
				items := make([]int, rapid.IntRange(0, 20).Draw(t, "items"))
				for i := range items {
					last++
					items[i] = last
				}
				q.Push(items...)
				model = append(model, items...)
			},
			"pop": func(t *rapid.T) {
				for range rapid.IntRange(0, len(model)).Draw(t, "items") {
					require.Equal(t, model[0], q.Pop())
					model = model[1:]
				}
			},
			"drain": func(t *rapid.T) {
				drained := q.Drain()
				require.True(t, slices.Equal(model, drained), "%v, not %v", drained, model)
				model = nil
			},
			"use": func(t *rapid.T) {
				if len(model) == 0 {
					q.Use(make([]int, rapid.IntRange(0, 4).Draw(t, "length"), 4))
				}
			},
			"": func(t *rapid.T) {
				require.Equal(t, len(model), q.Len())
				require.True(t, slices.Equal(model, q.Items()), "%v, not %v", q.Items(), model)
			},
		})
	})
}

// Popped items are not kept alive, and a queue that is never empty does not grow without limit.
func TestQueueKeepsNothingThatWasTaken(t *testing.T) {
	t.Parallel()
	const steps, waiting = 10_000, 5
	memory := make([]*int, 0, 16)
	var q queue.FIFO[*int]
	q.Use(memory)
	for range waiting {
		q.Push(new(int))
	}
	for range steps {
		q.Push(new(int))
		q.Pop()
		kept := 0
		for _, item := range memory[:cap(memory)] {
			if item != nil {
				kept++
			}
		}
		require.Equal(t, waiting, kept, "all of them in the memory that it was given")
	}
}

func TestQueueHandsItsMemoryOn(t *testing.T) {
	t.Parallel()
	memory := make([]int, 8)
	var q queue.FIFO[int]
	require.Nil(t, q.Drain(), "at first there is none")
	q.Use(memory)
	q.Push(1, 2, 3)
	for range 3 {
		q.Pop()
	}
	drained := q.Drain()
	require.Empty(t, drained)
	require.Same(t, &memory[0], &drained[:1][0])
	require.Equal(t, 8, cap(drained))
	require.Nil(t, q.Drain(), "it has none any more")
}

func TestQueueAllocatesNothingWhereThereIsRoom(t *testing.T) { // not parallel: it counts the allocations of the process
	var q queue.FIFO[[16]int]
	q.Use(make([][16]int, 8))
	require.Zero(t, testing.AllocsPerRun(100, func() {
		for range 100 {
			q.Push([16]int{1})
			q.Push([16]int{2})
			q.Pop()
			q.Pop()
		}
	}))
}
