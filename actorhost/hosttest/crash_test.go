package hosttest_test

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
)

// A till takes money, and a sale has it do so in a workflow.
type (
	till struct{ troupe.Ref }
	sale struct{ troupe.Ref }
)

func (till) ActorType() string { return "till" }
func (sale) ActorType() string { return "sale" }

var (
	pay     = troupe.NewAction[till, int, int]("pay")
	sell    = troupe.NewWorkflow[sale, int, int]("sell")
	decided = troupe.NewSignal[sale, string]("decided")
	approve = troupe.NewWorkflow[sale, troupe.None, string]("approve")
	rest    = troupe.NewWorkflow[sale, int, int]("rest")
	entries = troupe.NewAction[sale, troupe.None, int]("entries")
)

// sales are defined with how often the step pay has run.
func sales(ran *atomic.Int64) []actorhost.Definition {
	return []actorhost.Definition{
		actorhost.Define(func() int { return 0 }, actorhost.On(pay, func(s *int, _ *actorhost.Context, n int) (int, error) { *s += n; return *s, nil })),
		actorhost.Define(func() int { return 0 },
			actorhost.On(entries, actorhost.NoIn(func(s *int, _ *actorhost.Context) (int, error) { return *s, nil })),
			actorhost.OnSignal[sale, int](decided),
			actorhost.OnWorkflow(approve, func(w *actorhost.Flow[int], _ troupe.None) (string, error) {
				by, err := actorhost.Wait(w, decided, "decision", 72*time.Hour)
				if errors.Is(err, troupe.ErrTimedOut) {
					return "nobody", nil
				}
				return by, err
			}),
			actorhost.OnWorkflow(sell, func(w *actorhost.Flow[int], n int) (int, error) {
				paid, err := actorhost.Step(w, "pay", func(c *actorhost.StepContext) (int, error) {
					ran.Add(1)
					return pay.Call(c, troupe.GetOrCreate[till](w, "main"), n)
				})
				if err != nil {
					return 0, err
				}
				w.Undo("refund", func(c *actorhost.StepContext) error {
					_, err := pay.Call(c, troupe.GetOrCreate[till](w, "main"), -n)
					return err
				})
				if err := w.Update("enter", func(s *int, _ *actorhost.Context) error { *s++; return nil }); err != nil {
					return 0, err
				}
				return actorhost.Step(w, "ship", func(*actorhost.StepContext) (int, error) {
					if n > 100 {
						return 0, troupe.NewError("too_heavy", "nobody carries that")
					}
					return paid, nil
				})
			}),
			actorhost.OnWorkflow(rest, func(w *actorhost.Flow[int], days int) (int, error) {
				for range days {
					time.Sleep(10 * time.Millisecond) //nolint:forbidigo // it takes its time to come to where it waits
					if err := w.Sleep("night", 24*time.Hour); err != nil {
						return 0, err
					}
				}
				return actorhost.Step(w, "getUp", func(c *actorhost.StepContext) (int, error) {
					if ran.Add(1) < 5 {
						return 0, errors.New("not yet")
					}
					return c.Attempt(), nil
				}, actorhost.Tries(5, time.Hour, 24*time.Hour))
			})).Config(actorhost.TypeConfig{SleepAfter: 20 * time.Millisecond}),
	}
}

func TestCrashAtEachStep(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		plan func(*hosttest.Bus)
		n    int
		ran  int64 // how often pay has
	}{
		"before the first":     {func(b *hosttest.Bus) { b.CrashBefore("pay") }, 5, 1},
		"after the first":      {func(b *hosttest.Bus) { b.CrashAfter("pay") }, 5, 2},
		"before an update":     {func(b *hosttest.Bus) { b.CrashBefore("enter") }, 5, 1},
		"after the last":       {func(b *hosttest.Bus) { b.CrashAfter("ship") }, 5, 1},
		"before an undo":       {func(b *hosttest.Bus) { b.CrashBefore("refund") }, 500, 1},
		"after an undo":        {func(b *hosttest.Bus) { b.CrashAfter("refund") }, 500, 1},
		"one after the other":  {func(b *hosttest.Bus) { b.CrashBefore("pay"); b.CrashAfter("pay"); b.CrashAfter("ship") }, 5, 2},
		"with another host up": {func(b *hosttest.Bus) { b.CrashAfter("pay") }, 5, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var ran atomic.Int64
			b := hosttest.Start(t, sales(&ran)...)
			if name == "with another host up" {
				b.Host(sales(&ran)...)
			}
			test.plan(b)
			s, sum := troupe.GetOrCreate[sale](b.Client, "a"), test.n
			paid, err := sell.Run(t.Context(), s, test.n)
			if test.n > 100 {
				require.ErrorContains(t, err, "nobody carries that")
				sum = 0
			} else {
				require.NoError(t, err)
				require.Equal(t, test.n, paid)
			}
			require.Equal(t, test.ran, ran.Load())
			got, err := pay.Call(t.Context(), troupe.GetOrCreate[till](b.Client, "main"), 0)
			require.NoError(t, err)
			require.Equal(t, sum, got, "once")
			entered, err := entries.Call(t.Context(), s, nil)
			require.NoError(t, err)
			require.Equal(t, 1, entered)
		})
	}
}

func TestCrashInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ran atomic.Int64
		b := hosttest.Start(t, sales(&ran)...)
		b.CrashAfter("pay")
		paid, err := sell.Run(t.Context(), troupe.GetOrCreate[sale](b.Client, "a"), 5)
		require.NoError(t, err)
		require.Equal(t, 5, paid)
		require.EqualValues(t, 2, ran.Load())
	})
}

// forgiving notes errors of a test, and does not fail.
type forgiving struct {
	testing.TB

	said []string
}

func (f *forgiving) Errorf(format string, args ...any) {
	f.said = append(f.said, fmt.Sprintf(format, args...))
}

func TestPlannedCrashMustHappen(t *testing.T) { //nolint:tparallel // the test within is over before it is looked at
	t.Parallel()
	var f forgiving
	t.Run("test", func(t *testing.T) {
		f.TB = t
		hosttest.Start(&f).CrashBefore("pay")
	})
	require.Equal(t, []string{"hosttest: no host was before the step pay of a workflow"}, f.said)
}

// A decision is waited for three days, which pass at once.
func TestAdvanceThroughAWait(t *testing.T) {
	t.Parallel()
	var ran atomic.Int64
	b := hosttest.Start(t, sales(&ran)...)
	began := time.Now()
	s := troupe.GetOrCreate[sale](b.Client, "a")
	require.NoError(t, approve.Start(t.Context(), s, nil))
	waits := func() bool {
		run, err := approve.Show(t.Context(), s)
		return err == nil && run.Status == troupe.WorkflowWaits
	}
	require.Eventually(t, waits, 30*time.Second, time.Millisecond)
	sleep := troupe.NewAction[sale, troupe.None, troupe.None](troupe.SleepAction)
	if _, err := sleep.Call(t.Context(), s, nil); !errors.Is(err, troupe.ErrNotFound) { // it sleeps already
		require.NoError(t, err)
	}
	require.WithinDuration(t, b.Now().Add(72*time.Hour), b.NextDue(), time.Minute)
	b.Advance(71 * time.Hour)
	require.True(t, waits())
	b.Advance(2 * time.Hour)
	by, err := approve.Result(t.Context(), s)
	require.NoError(t, err)
	require.Equal(t, "nobody", by)
	t.Logf("three days took %v", time.Since(began))
	require.WithinDuration(t, b.Now().Add(7*24*time.Hour), b.NextDue(), 2*time.Hour, "then it is forgotten")
	b.Advance(8 * 24 * time.Hour)
	_, err = approve.Result(t.Context(), s)
	require.ErrorIs(t, err, troupe.ErrNotFound)
	require.Zero(t, b.NextDue())
}

func TestAdvanceThroughSleepsAndRetries(t *testing.T) {
	t.Parallel()
	var ran atomic.Int64
	b := hosttest.Start(t, sales(&ran)...)
	s := troupe.GetOrCreate[sale](b.Client, "a")
	require.NoError(t, rest.Start(t.Context(), s, 10))
	b.Advance(10*24*time.Hour - time.Minute)
	require.Zero(t, ran.Load())
	for i, after := range []time.Duration{time.Hour, time.Hour, 2 * time.Hour, 4 * time.Hour} {
		b.Advance(after)
		require.EqualValues(t, i+1, ran.Load())
	}
	b.Advance(8 * time.Hour)
	tries, err := rest.Result(t.Context(), s)
	require.NoError(t, err)
	require.Equal(t, 5, tries)
}
