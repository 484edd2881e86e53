package actorhost_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
)

// TestStepEndsBeforeItsHost: a step that runs when its host stops has the grace to end in, the next begins elsewhere. One that takes
// longer is cut off, and runs again.
func TestStepEndsBeforeItsHost(t *testing.T) {
	for name, test := range map[string]struct {
		takes time.Duration
		times int32         // that it runs
		stops time.Duration // how long the host takes
	}{
		"a step that ends":        {takes: 8 * time.Second, times: 1, stops: 8 * time.Second},
		"one that takes for long": {takes: time.Hour, times: 2, stops: actorhost.DefaultGrace - 2*time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var ran, onFirst, onSecond atomic.Int32
				begun := make(chan struct{}, 10)
				book := func(next *atomic.Int32) actorhost.Definition {
					return trips(func(w *actorhost.Flow[tripState], _ tripWish) (string, error) {
						if _, err := actorhost.Step(w, "long", func(c *actorhost.StepContext) (int, error) {
							begun <- struct{}{}
							if ran.Add(1) > 1 {
								return 1, nil
							}
							select {
							case <-time.After(test.takes):
								return 1, nil
							case <-c.Done():
								return 0, c.Err()
							}
						}); err != nil {
							return "", err
						}
						if _, err := actorhost.Step(w, "next", func(*actorhost.StepContext) (int, error) { return int(next.Add(1)), nil }); err != nil {
							return "", err
						}
						return "there", nil
					})
				}
				b := hosttest.Start(t)
				first := b.Host(book(&onFirst))
				trip := troupe.GetOrCreate[Trip](b.Client, "a")
				require.NoError(t, BookTrip.Start(t.Context(), trip, tripWish{}))
				<-begun
				b.Host(book(&onSecond))
				began := time.Now()
				require.NoError(t, first.Stop(t.Context()))
				require.InDelta(t, test.stops.Seconds(), time.Since(began).Seconds(), 1.5)
				out, err := BookTrip.Result(t.Context(), trip)
				require.NoError(t, err)
				require.Equal(t, "there", out)
				require.Equal(t, test.times, ran.Load())
				require.Zero(t, onFirst.Load(), "no other step begins on a host that stops")
				require.Equal(t, int32(1), onSecond.Load())
				run, err := BookTrip.Show(t.Context(), trip)
				require.NoError(t, err)
				require.Zero(t, run.Steps[0].Attempts, "to be cut off is no attempt")
			})
		})
	}
}
