//go:build chaos && unix

package chaos_test

import (
	"cmp"
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

// connect makes clients, each with a connection of its own.
func (s *system) connect(n int) (all []*client.Client) {
	for range n {
		nc, err := bus.Connect(s.t.Context(), bus.Config{URL: s.client().urls(), Logger: slog.New(slog.DiscardHandler)})
		require.NoError(s.t, err)
		s.t.Cleanup(nc.Close)
		cl, err := client.New(nc, client.Config{})
		require.NoError(s.t, err)
		all = append(all, cl)
	}
	return all
}

// clientRun is what a client does until ctx is done. What it must get done it tries until give is.
type clientRun func(ctx, give context.Context)

// run has clients run while the faults of a scenario happen, in an order that the stream of random numbers draws, and until all is
// mended.
func (s *system) run(sc scenario, stream uint64, clients []clientRun) {
	duration := sc.duration()
	s.t.Logf("seed %d: %s, %v", sc.seed, s, duration)
	ctx, stop := context.WithTimeout(s.t.Context(), duration)
	defer stop()
	give, giveUp := context.WithCancel(s.t.Context())
	defer giveUp()
	var running sync.WaitGroup
	for _, run := range clients {
		running.Go(func() { run(ctx, give) })
	}
	s.suffer(ctx, rand.New(rand.NewPCG(sc.seed, stream)), sc.faults)
	s.mend()
	s.awaitHosts()
	late := time.AfterFunc(cmp.Or(sc.settling, settling), giveUp)
	defer late.Stop()
	running.Wait()
}
