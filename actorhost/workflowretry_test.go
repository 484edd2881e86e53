package actorhost_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
)

// TestStepsAreTriedAgain has steps, items and undos fail before they succeed. The workflow goes on with what comes after each at once.
func TestStepsAreTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		times := make(chan time.Time, 10)
		retries := actorhost.Tries(4, time.Second, 3*time.Second)
		b := hosttest.Start(t, trips(func(w *actorhost.Flow[tripState], _ tripWish) (string, error) {
			for _, name := range []string{"no-flight", "no-hotel"} {
				w.Undo(name, func(c *actorhost.StepContext) error {
					if c.Attempt() < 2 {
						return errors.New("not now")
					}
					return nil
				})
			}
			out, err := actorhost.Step(w, "flight", func(c *actorhost.StepContext) (string, error) {
				times <- time.Now()
				if c.Attempt() < 4 {
					return "", errors.New("not now")
				}
				return fmt.Sprint("tried ", c.Attempt(), " times"), nil
			}, retries)
			if err != nil {
				return "", err
			}
			if _, err := actorhost.Each(w, "day", []int{0, 1, 2}, 2, func(c *actorhost.StepContext, i int) (int, error) {
				if c.Attempt() <= i {
					return 0, errors.New("not now")
				}
				return i, nil
			}, retries); err != nil {
				return "", err
			}
			if v, err := w.Version("better", 1); err != nil || v != 1 {
				return "", fmt.Errorf("version %d: %w", v, err)
			}
			return "", &troupe.Error{Code: "rain", Message: out}
		}))
		trip, began := troupe.GetOrCreate[Trip](b.Client, "a"), time.Now()
		_, err := BookTrip.Run(t.Context(), trip, tripWish{})
		require.ErrorContains(t, err, "tried 4 times")
		const flight, days, undos = 1 + 2 + 3, 1 + 2, 1 + 1
		require.InDelta(t, flight+days+undos, time.Since(began).Seconds(), 0.5)
		last := <-times
		for _, want := range []time.Duration{time.Second, 2 * time.Second, 3 * time.Second} {
			next := <-times
			require.InDelta(t, want.Seconds(), next.Sub(last).Seconds(), 0.1)
			last = next
		}
	})
}
