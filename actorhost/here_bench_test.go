package actorhost_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/client"
)

type neighbour struct{ troupe.Ref }

func (neighbour) ActorType() string { return "neighbour" }

var (
	dropIn = troupe.NewAction[neighbour, [2]int, [2]time.Duration]("dropIn")
	ringAt = troupe.NewAction[neighbour, int, int]("ringAt")
)

// BenchmarkHere compares the calls that one actor makes of another on its host with those that it makes over the bus, one at a time,
// in turns.
func BenchmarkHere(b *testing.B) {
	var outside *client.Client
	bus := hosttest.Start(b, actorhost.Define(func() struct{} { return struct{}{} },
		actorhost.On(ringAt, func(_ *struct{}, _ *actorhost.Context, n int) (int, error) { return n, nil }),
		actorhost.On(dropIn, func(_ *struct{}, c *actorhost.Context, n [2]int) (took [2]time.Duration, err error) {
			for way, made := range map[int]func() error{
				0: func() error { _, err := ringAt.Call(c, troupe.GetOrCreate[neighbour](c, "b"), 1); return err },
				1: func() error {
					_, err := ringAt.Call(context.Background(), troupe.GetOrCreate[neighbour](outside, "b"), 1)
					return err
				},
			} {
				began := time.Now()
				for range n[way] {
					if err := made(); err != nil {
						return took, err
					}
				}
				took[way] = time.Since(began)
			}
			return took, nil
		})))
	outside = bus.NewClient(client.Config{})
	const round = 1000
	var sum [2]time.Duration
	rounds := 0
	for b.Loop() {
		took, err := dropIn.Call(b.Context(), troupe.GetOrCreate[neighbour](bus.Client, "a"), [2]int{round, round})
		require.NoError(b, err)
		sum[0], sum[1] = sum[0]+took[0], sum[1]+took[1]
		rounds++
	}
	here, there := sum[0]/time.Duration(round*rounds), sum[1]/time.Duration(round*rounds)
	b.ReportMetric(float64(here.Nanoseconds()), "ns/here")
	b.ReportMetric(float64(there.Nanoseconds()), "ns/bus")
	b.ReportMetric(float64(there)/float64(here), "x")
	b.ReportMetric(0, "ns/op")
}
