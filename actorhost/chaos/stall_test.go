//go:build chaos && unix

package chaos_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

const (
	stalls  = 5 // of which the first is closed at times, and opens again empty
	traders = 10
	wares   = 12 // of a stall
)

// TestChaosStalls has traders trade while faults happen. In the maps of a stall and in its state must be the same, whenever it is
// asked, and in the end: all deals that were acknowledged, no deal twice, and none that failed.
func TestChaosStalls(t *testing.T) {
	t.Parallel()
	eachSeed(t, "stalls", faults, runStalls)
}

// market is what traders know.
type market struct {
	client *client.Client

	mu     sync.Mutex
	deals  int
	agreed [stalls][]int // acknowledged
	faults []string
}

func (m *market) at(i int) stall { return troupe.GetOrCreate[stall](m.client, fmt.Sprint(i)) }

func runStalls(t *testing.T, sc scenario) findings {
	t.Helper()
	s := begin(t, sc.servers, sc.name+".log", sc.env...)
	defer s.end()
	nc, err := bus.Connect(t.Context(), bus.Config{URL: s.client().urls(), Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	defer nc.Close()
	cl, err := client.New(nc, client.Config{})
	require.NoError(t, err)
	defer func() { _ = cl.Close(context.Background()) }()
	m := &market{client: cl}
	ctx, stop := context.WithTimeout(t.Context(), sc.duration())
	defer stop()
	t.Logf("seed %d: %s, %v", sc.seed, s, sc.duration())
	var trading sync.WaitGroup
	for i := range traders {
		trading.Go(func() {
			for random := rand.New(rand.NewPCG(sc.seed, uint64(10+i))); ctx.Err() == nil; {
				m.trade(t.Context(), random)
			}
		})
	}
	s.suffer(ctx, rand.New(rand.NewPCG(sc.seed, 7)), sc.faults)
	s.mend()
	s.awaitHosts()
	trading.Wait()
	until := time.Now().Add(cmp.Or(sc.settling, settling))
	for i := range stalls {
		m.close(t.Context(), i, until)
	}
	t.Logf("%d deals at %d stalls; %d faults found", m.deals, stalls, len(m.faults))
	return findings{faults: append(m.faults, s.found...)}
}

// trade makes a deal at some stall, or looks at its balance, or closes it.
func (m *market) trade(ctx context.Context, random *rand.Rand) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	i := random.IntN(stalls)
	switch what := random.IntN(40); {
	case what == 0 && i == 0:
		_, _ = closeStall.Call(ctx, m.at(i), nil)
		return
	case what < 4:
		found, err := balance.Call(ctx, m.at(i), nil)
		if err == nil && found.Faults != "" {
			m.blamef("stall %d, while it trades: %s", i, found.Faults)
		}
		return
	}
	d := deal{Wares: make(map[string]int), Fails: random.IntN(5) == 0}
	for range 1 + random.IntN(3) {
		d.Wares[fmt.Sprint("ware-", random.IntN(wares))] = random.IntN(5) - 2
	}
	m.mu.Lock()
	m.deals++
	d.Number = m.deals
	m.mu.Unlock()
	_, err := trade.Call(ctx, m.at(i), d)
	if err == nil && i > 0 {
		m.mu.Lock()
		m.agreed[i] = append(m.agreed[i], d.Number)
		m.mu.Unlock()
	}
	if d.Fails && (err == nil || !errors.Is(err, errFails) && !mayHaveFailed(err)) {
		m.blamef("stall %d: deal %d was to fail, and gave %v", i, d.Number, err)
	}
}

// mayHaveFailed reports whether an error says nothing of what a stall has done.
func mayHaveFailed(err error) bool {
	var failed *troupe.Error
	return !errors.As(err, &failed) || failed.Code != troupe.CodeInternal && failed.Code != troupe.CodeStateCorrupt
}

func (m *market) blamef(format string, args ...any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.faults = append(m.faults, fmt.Sprintf(format, args...))
}

// close checks a stall when all is still.
func (m *market) close(ctx context.Context, i int, until time.Time) {
	for {
		one, cancel := context.WithTimeout(ctx, callTimeout)
		found, err := balance.Call(one, m.at(i), nil)
		cancel()
		switch {
		case err != nil && time.Now().Before(until):
			time.Sleep(shortly) // it is in another process: all there is to do is to ask again
			continue
		case err != nil:
			m.blamef("stall %d does not answer: %v", i, err)
			return
		case found.Faults != "":
			m.blamef("stall %d, in the end: %s", i, found.Faults)
		}
		slices.Sort(found.Deals)
		if len(slices.Compact(slices.Clone(found.Deals))) != len(found.Deals) {
			m.blamef("stall %d has a deal twice", i)
		}
		for _, number := range m.agreed[i] {
			if _, there := slices.BinarySearch(found.Deals, number); !there {
				m.blamef("stall %d has acknowledged deal %d, and lost it", i, number)
			}
		}
		return
	}
}
