//go:build chaos && unix

package chaos_test

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

var allSizes = flag.Bool("all", false, "whether TestBank and TestChaosOverload have all numbers of callers, instead of those that the seed draws")

const (
	tellers       = 16
	connections   = 4                      // which all callers share
	betweenAudits = 300 * time.Millisecond // of an account
	settling      = time.Minute            // for what is to come once all faults are over
)

// TestBank lets tellers transfer money between accounts while faults happen, and then counts: no payment was made
// twice, none is missing, and the sum of all balances is what it was.
func TestBank(t *testing.T) { //nolint:tparallel // its runs share the processors with each other, not with other tests
	for seed := *firstSeed; seed < *firstSeed+*seeds; seed++ {
		for _, size := range bankSizes(seed) {
			for _, named := range []bool{true, false} {
				t.Run(fmt.Sprintf("seed=%d/%s/%s", seed, size, idsOf(named)), func(t *testing.T) {
					t.Parallel()
					name := fmt.Sprintf("bank-%d-%d-%d-%s", seed, size.callers, size.accounts, idsOf(named))
					sc := scenario{name: name, seed: seed, servers: serversOf(seed), faults: faults, env: journaling(seed)}
					runBank(t, sc, size, named).report(t)
				})
			}
		}
	}
}

type bankSize struct{ callers, accounts int }

func (s bankSize) String() string {
	return fmt.Sprintf("callers=%d,accounts=%d", s.callers, s.accounts)
}

// bankSizes are all, or one that the seed draws.
func bankSizes(seed uint64) []bankSize {
	var all []bankSize
	for _, callers := range []int{12, 30, 80, 200} {
		all = append(all, bankSize{callers, 2}, bankSize{callers, 20})
	}
	if *allSizes {
		return all
	}
	one := rand.New(rand.NewPCG(seed, 3)).IntN(len(all))
	return all[one : one+1]
}

func idsOf(named bool) string {
	if named {
		return "ids"
	}
	return "no-ids"
}

// bank is one run.
type bank struct {
	t        *testing.T
	sc       scenario
	size     bankSize
	named    bool
	clients  []*client.Client
	ledger   ledger
	orders   atomic.Int32
	mu       sync.Mutex
	requests []request
}

// runBank transfers money while the faults of a scenario happen, waits until all is still, and counts.
func runBank(t *testing.T, sc scenario, size bankSize, named bool) findings {
	t.Helper()
	s := begin(t, sc.servers, sc.name+".log", sc.env...)
	defer s.end()
	b := &bank{t: t, sc: sc, size: size, named: named, ledger: newLedger(size.accounts)}
	for range connections {
		b.connect(s.client().urls())
	}
	duration := sc.duration()
	t.Logf("seed %d: %s, %s, %v", sc.seed, s, size, duration)
	ctx, stop := context.WithTimeout(t.Context(), duration)
	defer stop()
	give, giveUp := context.WithCancel(t.Context())
	defer giveUp()
	var calling sync.WaitGroup
	for i := range size.callers {
		calling.Go(func() { b.call(ctx, give, i) })
	}
	var auditing sync.WaitGroup
	open, shut := context.WithCancel(t.Context())
	defer shut()
	for i := range b.ledger {
		auditing.Go(func() { b.audit(open, i) })
	}
	s.suffer(ctx, rand.New(rand.NewPCG(sc.seed, uint64(100*size.callers+size.accounts))), sc.faults)
	s.mend()
	s.awaitHosts()
	late := time.AfterFunc(cmp.Or(sc.settling, settling), giveUp)
	defer late.Stop()
	calling.Wait()
	b.awaitTellers()
	shut()
	auditing.Wait()
	found := b.findings()
	found.faults = append(found.faults, s.found...)
	return found
}

func (b *bank) connect(url string) {
	nc, err := bus.Connect(b.t.Context(), bus.Config{URL: url, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(b.t, err)
	b.t.Cleanup(nc.Close)
	c, err := client.New(nc, client.Config{})
	require.NoError(b.t, err)
	b.clients = append(b.clients, c)
}

// awaitTellers waits until the tellers have ended what nobody waits for any more.
func (b *bank) awaitTellers() {
	ctx, cancel := context.WithTimeout(b.t.Context(), settling)
	defer cancel()
	for i := range tellers {
		_, err := served.Call(ctx, troupe.GetOrCreate[teller](b.clients[0], fmt.Sprint(i)), nil)
		require.NoError(b.t, err)
	}
}

// audit reads an account over and over, until ctx is done and it has told nothing new for a second.
func (b *bank) audit(ctx context.Context, number int) {
	c, of := b.clients[number%connections], &b.ledger[number]
	var ended time.Time
	// The account is in another process: all there is to do is to ask it again.
	for still := 0; still < 4; time.Sleep(betweenAudits) {
		one, cancel := context.WithTimeout(context.Background(), callTimeout)
		found, err := audit.Call(one, troupe.GetOrCreate[account](c, fmt.Sprint(number)), of.known)
		cancel()
		fresh := err == nil && of.add(found)
		if ctx.Err() == nil {
			ended = time.Now()
			continue
		}
		if still++; fresh || err != nil {
			still = 0
		}
		if err != nil && time.Since(ended) > settling {
			of.faults = append(of.faults, fmt.Sprint("cannot be read: ", err))
			return
		}
	}
}

// findings are what the count has come to.
func (b *bank) findings() findings {
	faults, y := b.ledger.check(b.requests)
	b.t.Logf("%d orders: %s; requests: %s", len(b.requests), y, save(b.t, b.requests, b.sc.name+".jsonl"))
	return findings{faults: faults}
}
