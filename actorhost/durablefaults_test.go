package actorhost_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// A critic follows presses for good, and does with each page what its test wants.
type critic struct{ troupe.Ref }

func (critic) ActorType() string { return "critic" }

var (
	hire     = troupe.NewAction[critic, string, troupe.None]("hire") // to follow a press
	dismiss  = troupe.NewAction[critic, string, troupe.None]("dismiss")
	retire   = troupe.NewAction[critic, troupe.None, troupe.None]("retire")
	reviewed = troupe.NewAction[critic, troupe.None, []string]("reviewed")

	errBadPage = troupe.NewError("bad_page", "the page cannot be read")
)

type criticState struct{ Reviews []string }

// critics review pages; those for which review is an error are not reviewed.
func critics(review func(ctx context.Context, key string, page int) error) actorhost.ActorType[critic, criticState] {
	return actorhost.Define(func() criticState { return criticState{} },
		actorhost.On(hire, actorhost.NoOut(func(s *criticState, c *actorhost.Context, press_ string) error {
			err := published.SubscribeDurable(c, troupe.GetOrCreate[press](c, press_))
			return errors.Join(err, refuse(strings.HasPrefix(press_, "refused")))
		})),
		actorhost.On(dismiss, actorhost.NoOut(func(s *criticState, c *actorhost.Context, press_ string) error {
			return published.UnsubscribeDurable(c, troupe.GetOrCreate[press](c, press_))
		})),
		actorhost.On(retire, actorhost.NoInNoOut(func(_ *criticState, c *actorhost.Context) error { c.Destroy(); return nil })),
		actorhost.On(reviewed, actorhost.NoIn(func(s *criticState, _ *actorhost.Context) ([]string, error) { return s.Reviews, nil })),
	).OnEvents(actorhost.OnEvent(published, func(s *criticState, c *actorhost.Context, page int) error {
		s.Reviews = append(s.Reviews, fmt.Sprint(page))
		return review(c, c.Key()[0], page)
	})).OnGap(func(s *criticState, _ *actorhost.Context, gap troupe.Gap) error {
		s.Reviews = append(s.Reviews, fmt.Sprintf("gap %d-%d", gap.After.Sequence, gap.Before.Sequence))
		return nil
	})
}

func refuse(it bool) error {
	if it {
		return errRefused
	}
	return nil
}

func reads(context.Context, string, int) error { return nil }

// awaitReviews waits until a critic has written so many reviews, and checks them.
func awaitReviews(t *testing.T, c troupe.Caller, key string, want ...string) {
	t.Helper()
	require.Eventually(t, func() bool {
		got, err := reviewed.Call(t.Context(), troupe.GetOrCreate[critic](c, key), nil)
		require.NoError(t, err)
		return len(got) >= len(want)
	}, 2*time.Minute, 5*time.Millisecond)
	got, err := reviewed.Call(t.Context(), troupe.GetOrCreate[critic](c, key), nil)
	require.NoError(t, err)
	require.Equal(t, append([]string{}, want...), got)
}

// numbers are those from first to last.
func numbers(first, last int) (all []string) {
	for n := first; n <= last; n++ {
		all = append(all, fmt.Sprint(n))
	}
	return all
}

// In virtual time, so it must not be parallel.
func TestFailingHandlerIsCalledAgainInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := hosttest.Start(t)
		began := time.Now()
		var mu sync.Mutex
		var tries []time.Duration
		b.HostWith(actorhost.Config{Logger: slog.New(slog.DiscardHandler)}, append(pressAndReader, critics(func(_ context.Context, _ string, page int) error {
			if page != 2 {
				return nil
			}
			mu.Lock()
			defer mu.Unlock()
			tries = append(tries, time.Since(began).Round(time.Second))
			return refuse(len(tries) < 9)
		}))...)
		times := troupe.GetOrCreate[press](b.Client, "times")
		require.NoError(t, call(t.Context(), hire, troupe.GetOrCreate[critic](b.Client, "ann"), "times"))
		for range 10 {
			require.NoError(t, call(t.Context(), publish, times, 1))
			time.Sleep(5 * time.Second) //nolint:forbidigo // virtual time
		}
		awaitReviews(t, b.Client, "ann", "1")
		time.Sleep(5 * time.Minute) //nolint:forbidigo // virtual time
		awaitReviews(t, b.Client, "ann", numbers(1, 10)...)
		mu.Lock()
		defer mu.Unlock()
		require.Len(t, tries, 9, "events that come meanwhile have it called no more often: %v", tries)
		for i, seconds := range []float64{1, 2, 4, 8, 16, 30, 30, 30} {
			require.InDelta(t, seconds, (tries[i+1] - tries[i]).Seconds(), 2, "%v", tries)
		}
	})
}

func TestSubscriberThatFailsOrHangsHoldsUpNobodyElse(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	hung := make(chan struct{})
	b.HostWith(actorhost.Config{Logger: slog.New(slog.DiscardHandler)}, append(pressAndReader, critics(func(_ context.Context, key string, _ int) error {
		switch key {
		case "fails":
			return errBadPage
		case "hangs":
			<-hung
		}
		return nil
	}))...)
	for _, key := range []string{"fails", "hangs", "works", "works-too"} {
		require.NoError(t, call(t.Context(), hire, troupe.GetOrCreate[critic](b.Client, key), "times"))
	}
	times := troupe.GetOrCreate[press](b.Client, "times")
	for range 500 {
		require.NoError(t, call(t.Context(), publish, times, 1))
	}
	awaitReviews(t, b.Client, "works", numbers(1, 500)...)
	awaitReviews(t, b.Client, "works-too", numbers(1, 500)...)
	close(hung)
	awaitReviews(t, b.Client, "hangs", numbers(1, 500)...)
	awaitReviews(t, b.Client, "fails")
}

func TestSubscriptionIsPartOfTheState(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, append(pressAndReader, critics(reads))...)
	ann := troupe.GetOrCreate[critic](b.Client, "ann")
	require.ErrorIs(t, call(t.Context(), hire, ann, "refused"), errRefused)
	require.NoError(t, call(t.Context(), publish, troupe.GetOrCreate[press](b.Client, "refused"), 1))
	for _, key := range []string{"times", "post"} {
		require.NoError(t, call(t.Context(), hire, ann, key))
		require.NoError(t, call(t.Context(), publish, troupe.GetOrCreate[press](b.Client, key), 1))
	}
	awaitReviews(t, b.Client, "ann", "1", "1")
	require.NoError(t, call(t.Context(), dismiss, ann, "times"))
	require.NoError(t, call(t.Context(), publish, troupe.GetOrCreate[press](b.Client, "times"), 1))
	require.NoError(t, call(t.Context(), publish, troupe.GetOrCreate[press](b.Client, "post"), 1))
	awaitReviews(t, b.Client, "ann", "1", "1", "2")
	require.NoError(t, call(t.Context(), retire, ann, nil))
	for n, key := range []string{"times", "post", "refused"} {
		require.NoError(t, call(t.Context(), publish, troupe.GetOrCreate[press](b.Client, key), 1), n)
	}
	index := subscriptionsOf(t, b)
	require.Eventually(t, func() bool { return len(index("times"))+len(index("post"))+len(index("refused")) == 0 }, 2*time.Minute, 5*time.Millisecond,
		"what is not true any more vanishes with the next event")
	awaitReviews(t, b.Client, "ann")
}

// indexOf opens the index of durable subscriptions.
func indexOf(t *testing.T, b *hosttest.Bus) *store.Subscriptions {
	t.Helper()
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	index, err := store.OpenSubscriptions(t.Context(), b.Connect(), ns, store.Settings{})
	require.NoError(t, err)
	return index
}

// subscriptionsOf reads the index.
func subscriptionsOf(t *testing.T, b *hosttest.Bus) func(press_ string) []store.Subscriber {
	t.Helper()
	index := indexOf(t, b)
	return func(press_ string) []store.Subscriber {
		id, err := troupe.NewID("press", press_)
		require.NoError(t, err)
		found, err := index.Of(t.Context(), id, "published")
		require.NoError(t, err)
		return found
	}
}

func TestManyEventsWaitForOneWhoSleeps(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, pressAndReader[0])
	first := b.Host(critics(reads))
	require.NoError(t, call(t.Context(), hire, troupe.GetOrCreate[critic](b.Client, "ann"), "times"))
	b.Stop(first)
	times := troupe.GetOrCreate[press](b.Client, "times")
	for range 8 {
		require.NoError(t, call(t.Context(), publish, times, 100))
	}
	b.Host(critics(reads))
	awaitReviews(t, b.Client, "ann", numbers(1, 800)...)
}
