package mailbox_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/troupe-go/troupe/actorhost/internal/mailbox"
)

func newMailboxes() *mailbox.Mailboxes[int64, int64] {
	return mailbox.New(func(size int64) int64 { return size }, func(item int64) int64 { return item })
}

func TestMailboxTakesSoManyOrSoMuch(t *testing.T) {
	t.Parallel()
	all := newMailboxes()
	var box mailbox.Mailbox[int64, int64]
	takes := func(size int64, others int) bool { return box.HasRoom(all, &size, others) }

	require.True(t, takes(mailbox.MaxBytes+1, 0), "the first may have any size")
	box.Push(all, mailbox.MaxBytes-10)
	require.False(t, takes(1, 1))
	require.True(t, takes(10, 2))
	require.False(t, takes(11, 2))

	var other mailbox.Mailbox[int64, int64]
	other.Push(all, mailbox.MaxAllBytes-mailbox.MaxBytes)
	require.True(t, takes(10, 2))
	size := int64(11)
	var third mailbox.Mailbox[int64, int64]
	require.False(t, third.HasRoom(all, &size, 2), "all of a host have a limit")
	require.Equal(t, []int64{mailbox.MaxAllBytes - mailbox.MaxBytes}, other.Drain(all))
	require.True(t, third.HasRoom(all, &size, 2))
}

func TestMailboxKeepsTheOrder(t *testing.T) {
	t.Parallel()
	all := newMailboxes()
	var box mailbox.Mailbox[int64, int64]
	for range 3 { // the memory is handed on
		for i := range int64(20) {
			box.Push(all, i)
		}
		for i := range int64(10) {
			require.Equal(t, i, box.Pop(all))
		}
		require.Len(t, box.Items(), 10)
		require.Equal(t, int64(10), box.Items()[0])
		require.Len(t, box.Drain(all), 10)
		require.Zero(t, box.Len())
	}
}

func TestMailboxThatIsEmptyTakesNothing(t *testing.T) {
	all := newMailboxes()
	var box mailbox.Mailbox[int64, int64]
	box.Push(all, 1)
	box.Pop(all)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		box.Push(all, 1)
		box.Pop(all)
	}))
}

// TestMailboxFindsWhatWaits asks for items that wait, that have left and that never came, some of them the same twice.
func TestMailboxFindsWhatWaits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		all := newMailboxes()
		var box mailbox.Mailbox[int64, int64]
		var queue []int64
		item := rapid.Int64Range(0, 20)
		t.Repeat(map[string]func(*rapid.T){
			"push": func(t *rapid.T) {
				n := item.Draw(t, "item")
				box.Push(all, n)
				queue = append(queue, n)
			},
			"pop": func(t *rapid.T) {
				if len(queue) == 0 {
					t.Skip()
				}
				require.Equal(t, queue[0], box.Pop(all))
				queue = queue[1:]
			},
			"drain": func(*rapid.T) { box.Drain(all); queue = nil },
			"find": func(t *rapid.T) {
				n := item.Draw(t, "item")
				found := box.Find(all, n)
				require.Equal(t, slices.Contains(queue, n), found != nil)
				require.True(t, found == nil || *found == n)
			},
		})
	})
}
