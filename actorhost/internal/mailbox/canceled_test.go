package mailbox_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/troupe-go/troupe/actorhost/internal/mailbox"
)

// TestCanceledKnowsWhatWaits cancels items of a queue, and others: each is found when it leaves, and forgotten once it
// has.
func TestCanceledKnowsWhatWaits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var c mailbox.Canceled[int]
		var queue []int
		canceled, last := map[int]bool{}, 0
		t.Repeat(map[string]func(*rapid.T){
			"push": func(*rapid.T) { last++; queue = append(queue, last) },
			"cancel": func(t *rapid.T) {
				if len(queue) > 0 {
					id := rapid.SampledFrom(queue).Draw(t, "waiting")
					c.Add(id, len(queue))
					canceled[id] = true
				}
			},
			"pop": func(t *rapid.T) {
				if len(queue) == 0 {
					t.Skip()
				}
				id := queue[0]
				queue = queue[1:]
				require.Equal(t, canceled[id], c.Has(id))
				delete(canceled, id)
			},
		})
	})
}

func TestCanceledIsBounded(t *testing.T) {
	t.Parallel()
	var c mailbox.Canceled[int]
	c.Add(-1, 0)
	for id := range 100_000 {
		c.Add(id, 4)
	}
	require.False(t, c.Has(-1), "nothing has waited")
	require.True(t, c.Has(99_999))
	require.False(t, c.Has(0), "there were too many")
	require.True(t, c.Has(99_998))
	require.False(t, c.Has(50_000))
	require.False(t, c.Has(99_997), "what waited has left")
	c.Add(7, 1)
	require.True(t, c.Has(7), "there is room again")
}
