package actorhost_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
)

// A Sorter handles letters that come by its queues.
type Sorter struct{ troupe.Ref }

func (Sorter) ActorType() string { return "sorter" }

var (
	Sort       = troupe.NewQueue[Sorter, letter]("sort")
	ReadSorted = troupe.NewAction[Sorter, troupe.None, []sorted]("read")
)

type letter struct {
	Text   string
	Refuse bool // with an error of the actor's own
	Fail   int  // so many attempts fail
}

type sorted struct {
	Text    string
	ID      string
	Attempt int
	Pushed  time.Time
	Request string
}

type sorter struct{ Sorted []sorted }

var errNoAddressee = troupe.NewError("refused", "return to sender")

func (s *sorter) sort(c *actorhost.Context, l letter) error {
	q, ok := troupe.QueuedOf(c)
	switch {
	case !ok || q.Queue != "sort":
		panic("no message")
	case l.Refuse:
		return errNoAddressee
	case q.Attempt <= l.Fail:
		return &troupe.Error{Code: "no_luck", Message: "not yet"}
	}
	s.Sorted = append(s.Sorted, sorted{l.Text, q.ID, q.Attempt, q.Pushed, c.RequestID()})
	return nil
}

func sorterType(retries ...actorhost.Retries) actorhost.ActorType[Sorter, sorter] {
	return actorhost.Define(func() sorter { return sorter{} },
		actorhost.OnQueue(Sort, (*sorter).sort, retries...),
		actorhost.On(ReadSorted, actorhost.NoIn(func(s *sorter, _ *actorhost.Context) ([]sorted, error) { return s.Sorted, nil })),
	)
}

// awaitSorted waits until a sorter has so many letters, and returns them.
func awaitSorted(t *testing.T, ref Sorter, n int) (all []sorted) {
	t.Helper()
	require.Eventually(t, func() bool {
		var err error
		all, err = ReadSorted.Call(t.Context(), ref, nil)
		return err == nil && len(all) >= n
	}, 30*time.Second, 10*time.Millisecond)
	return all
}

func TestQueueHandlesWhatIsPushed(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, sorterType())
	ref := troupe.GetOrCreate[Sorter](b.Client, "main")
	began := time.Now()
	require.NoError(t, Sort.Push(t.Context(), ref, letter{Text: "first"}))
	all := awaitSorted(t, ref, 1)
	require.Len(t, all, 1)
	require.Equal(t, "first", all[0].Text)
	require.Equal(t, 1, all[0].Attempt)
	require.NotEmpty(t, all[0].ID)
	require.WithinDuration(t, began, all[0].Pushed, 10*time.Second)
}
