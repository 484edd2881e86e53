package mailbox_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actorhost/internal/mailbox"
)

func newMailboxes() *mailbox.Mailboxes[int64] {
	return mailbox.New(func(size int64) int64 { return size })
}

func TestMailboxTakesSoManyOrSoMuch(t *testing.T) {
	t.Parallel()
	all := newMailboxes()
	var box mailbox.Mailbox[int64]
	takes := func(size int64, others int) bool { return box.HasRoom(all, &size, others) }

	require.True(t, takes(mailbox.MaxBytes+1, 0), "the first may have any size")
	box.Push(all, mailbox.MaxBytes-10)
	require.False(t, takes(1, 1))
	require.True(t, takes(10, 2))
	require.False(t, takes(11, 2))

	var other mailbox.Mailbox[int64]
	other.Push(all, mailbox.MaxAllBytes-mailbox.MaxBytes)
	require.True(t, takes(10, 2))
	size := int64(11)
	var third mailbox.Mailbox[int64]
	require.False(t, third.HasRoom(all, &size, 2), "all of a host have a limit")
	require.Equal(t, []int64{mailbox.MaxAllBytes - mailbox.MaxBytes}, other.Drain(all))
	require.True(t, third.HasRoom(all, &size, 2))
}

func TestMailboxKeepsTheOrder(t *testing.T) {
	t.Parallel()
	all := newMailboxes()
	var box mailbox.Mailbox[int64]
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
	var box mailbox.Mailbox[int64]
	box.Push(all, 1)
	box.Pop(all)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		box.Push(all, 1)
		box.Pop(all)
	}))
}
