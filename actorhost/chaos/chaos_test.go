//go:build chaos

package chaos_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var (
	seconds    = flag.Int("seconds", 10, "how long each seed is run")
	firstSeed  = flag.Uint64("seed", 1, "the first seed")
	seeds      = flag.Uint64("seeds", 1, "how many seeds are run")
	servers    = flag.Int("servers", 0, "how many NATS servers, 1 or 3; by default 3 for every fourth seed")
	historyDir = flag.String("histories", filepath.Join(os.TempDir(), "troupe-chaos"), "where histories and logs are written")
)

// TestChaos lets clients call while faults happen, in an order that the seed decides, and checks what they have seen.
func TestChaos(t *testing.T) {
	for seed := *firstSeed; seed < *firstSeed+*seeds; seed++ {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			n := *servers
			if n == 0 {
				n = 1
				if seed%4 == 0 {
					n = 3
				}
			}
			found := run(t, scenario{name: fmt.Sprint("seed-", seed), seed: seed, servers: n, faults: faults})
			for _, f := range found {
				t.Error(f)
			}
		})
	}
}

// TestFaultsAreFound switches off one guarantee at a time. A checker that did not notice would prove nothing.
func TestFaultsAreFound(t *testing.T) {
	for guarantee, with := range map[string][]fault{
		"fencing":  {faultNamed("a host is frozen before a commit until its lease is over"), faultNamed("a host is frozen until its lease is over")},
		"gating":   {faultNamed("a host is killed before a commit"), faultNamed("a host is killed")},
		"deduping": {faultNamed("a host is killed after a commit"), faultNamed("a host is killed before a reply")},
	} {
		t.Run(guarantee, func(t *testing.T) {
			const attempts = 6
			for i := range uint64(attempts) {
				found := run(t, scenario{
					name: fmt.Sprint("without-", guarantee), seed: *firstSeed + i, servers: 1, faults: with, atMost: 8 * time.Second,
					env: []string{"TROUPE_CHAOS_OFF=" + guarantee},
				})
				if len(found) > 0 {
					t.Logf("found: %s", found[0])
					return
				}
			}
			t.Errorf("%d runs without %s, and nothing was found", attempts, guarantee)
		})
	}
}

// scenario is one run.
type scenario struct {
	name    string
	seed    uint64
	servers int
	faults  []fault
	atMost  time.Duration
	env     []string // of the hosts
}

// run returns what was wrong.
func run(t *testing.T, sc scenario) []string {
	t.Helper()
	require.NoError(t, os.MkdirAll(*historyDir, 0o755))
	s := begin(t, sc.servers, filepath.Join(*historyDir, sc.name+".log"), sc.env...)
	duration := time.Duration(*seconds) * time.Second
	if sc.atMost > 0 {
		duration = min(duration, sc.atMost)
	}
	began := time.Now()
	h := &history{}
	ctx, stop := context.WithTimeout(t.Context(), duration)
	defer stop()
	var running sync.WaitGroup
	var clients []*caller
	for i := range callers {
		c := newCaller(t, s.urls(), i, sc.seed, h, began)
		clients = append(clients, c)
		running.Go(func() { c.run(ctx) })
	}
	random := rand.New(rand.NewPCG(sc.seed, 0))
	t.Logf("seed %d: %s, %v", sc.seed, s, duration)
	for sometime(random, time.Second); ctx.Err() == nil; sometime(random, time.Second) {
		f := sc.faults[random.IntN(len(sc.faults))]
		t.Logf("%6.2f s, %6d calls: %s", time.Since(began).Seconds(), h.len(), f.name)
		f.run(s, random)
	}
	running.Wait()
	s.mend()
	clients[0].last(t)
	path := h.save(t, sc.name+".jsonl")
	found := h.faults()
	ends := map[string]int{}
	for _, o := range h.operations {
		ends[o.Outcome]++
	}
	var again uint64
	for _, c := range clients {
		again += c.bus.Resent()
	}
	t.Logf("%d calls: %d acknowledged, %d refused, %d unknown, %d sent again; %d faults found; history: %s",
		len(h.operations), ends[acknowledged], ends[refused], ends[unknown], again, len(found), path)
	return found
}
