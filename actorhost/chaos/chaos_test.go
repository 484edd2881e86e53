//go:build chaos && unix

package chaos_test

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"
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
			run(t, scenario{name: fmt.Sprint("seed-", seed), seed: seed, servers: serversOf(seed), faults: faults, env: journaling(seed)}).report(t)
		})
	}
}

// eachSeed runs a scenario with each of the seeds, and reports what it finds. They are parallel.
func eachSeed(t *testing.T, name string, faults []fault, run func(*testing.T, scenario) findings) {
	t.Helper()
	for seed := *firstSeed; seed < *firstSeed+*seeds; seed++ {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			t.Parallel()
			run(t, scenario{
				name: fmt.Sprint(name, "-", seed), seed: seed, servers: serversOf(seed), faults: faults, env: journaling(seed),
			}).report(t)
		})
	}
}

// serversOf is how many servers a seed has.
func serversOf(seed uint64) int {
	switch {
	case *servers != 0:
		return *servers
	case seed%4 == 0:
		return 3
	default:
		return 1
	}
}

// journaling has all that may go to the journals go there, with two seeds of three. With the others little does: that is for
// more calls at a time than there are here.
func journaling(seed uint64) []string {
	if seed%3 == 0 {
		return nil
	}
	return []string{"TROUPE_CHAOS_EAGER=1"}
}

// TestChaosOneActor has many clients call the same actor, each call with an id, so that it has many calls of which it must
// not forget any. Servers are one: a client may have to wait for three longer than it has patience.
func TestChaosOneActor(t *testing.T) {
	t.Parallel()
	for seed := *firstSeed; seed < *firstSeed+*seeds; seed++ {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			t.Parallel()
			run(t, scenario{
				name: fmt.Sprint("one-actor-", seed), seed: seed, servers: 1, faults: faults, env: journaling(seed), atMost: 10 * time.Second,
				callers: 64, load: (*caller).addToOne, generation: time.Second, patience: 20 * time.Second,
			}).report(t)
		})
	}
}

// TestRollingRestart restarts all hosts by SIGTERM, one after the other and over and over. No call fails.
func TestRollingRestart(t *testing.T) {
	drain := faultNamed("a host is drained")
	restart := fault{"a host is restarted", func(s *system, r *rand.Rand) {
		drain.run(s, r)
		s.awaitHosts()
	}}
	found := run(t, scenario{
		name: "rolling-restart", seed: *firstSeed, servers: 1, faults: []fault{restart}, atMost: 6 * time.Second,
	})
	found.report(t)
	for _, o := range found.operations {
		if o.Outcome == refused || o.Outcome == unknown {
			t.Errorf("%s of %s: %s", o.Action, o.Actor, o.Error)
		}
	}
}

// TestServerIsLost takes one of three servers away for good, with its disk. It is not over before the others have had
// time to elect leaders, and a host that was connected there to lose its lease.
func TestServerIsLost(t *testing.T) {
	t.Parallel()
	lose := fault{"a server and its disk are lost", (*system).loseServer}
	found := run(t, scenario{
		name: "server-lost", seed: *firstSeed, servers: 3, faults: []fault{lose}, once: true, atLeast: 20 * time.Second,
	})
	found.report(t)
	late := 0
	for _, o := range found.operations {
		if o.Outcome == acknowledged && o.Began > int64(14*time.Second) {
			late++
		}
	}
	if late == 0 {
		t.Error("two servers of three have served nobody")
	}
}

// TestFaultsAreFound switches off one guarantee at a time, of hosts, connections or clients. A checker that did not notice would prove nothing.
func TestFaultsAreFound(t *testing.T) {
	t.Parallel()
	bank := func(callers int, named bool) func(*testing.T, scenario) findings {
		return func(t *testing.T, sc scenario) findings {
			t.Helper()
			return runBank(t, sc, bankSize{callers: callers, accounts: 2}, named)
		}
	}
	plans := func(planners int) func(*testing.T, scenario) findings { // of each client: of many, few are called again, which wakes them
		return func(t *testing.T, sc scenario) findings {
			t.Helper()
			sc.planners = planners
			return runPlans(t, sc)
		}
	}
	killed := []fault{faultNamed("a host is killed after a commit"), faultNamed("a host is killed before a reply")}
	for _, without := range []struct {
		guarantee, of string
		run           func(*testing.T, scenario) findings
		with          []fault
	}{
		{"fencing", "calls", run, []fault{
			faultNamed("a host is frozen before a commit until its lease is over"), faultNamed("a host is frozen until its lease is over"),
		}},
		{"gating", "calls", run, []fault{faultNamed("a host is killed before a commit")}},
		{"deduping", "calls", run, killed},
		{"gating", "full", run, []fault{accountIsFull}},
		{"deduping", "network", run, []fault{faultNamed("the network is slow and lossy")}},
		{pinging, "silence", run, []fault{faultNamed("the connections of a host vanish")}},
		{gapTelling, "silence", run, []fault{{"the connections of who listens vanish", func(s *system, _ *rand.Rand) {
			s.vanish(-1, []*proxy{s.listening}, false)
		}}}},
		{"deduping", "bank", bank(30, true), killed},
		{"nesting", "bank", bank(30, false), killed},
		{"archiving", "bank", bank(200, true), killed},
		{"asking", "bank", bank(200, true), killed},
		{"alarmfirst", "plans", plans(40), []fault{faultNamed("a host is killed after a commit")}},
		{"alarmcas", "plans", plans(16), []fault{faultNamed("a host is frozen before it sets an alarm until its lease is over")}},
		{"ringacks", "plans", plans(40), []fault{faultNamed("a host is killed"), faultNamed("a host is killed before a commit")}},
		{"queueacks", "post", runPost, []fault{faultNamed("a host is killed"), faultNamed("a host is killed before a commit")}},
		{"nesting", "errands", runErrands, []fault{faultNamed("a host is killed after a step")}},
		{"inorder", "post", runPost, []fault{faultNamed("a host is killed")}},
		{"queuedone,deduping", "post", runPost, []fault{faultNamed("a host is killed before it acks a message")}},
		{"marking", "loops", runLoops, []fault{faultNamed("a host is killed")}},
		{"itemslast", "stalls", runStalls, []fault{faultNamed("a host is killed before a commit")}},
		{"fencing", "loops", runLoops, []fault{faultNamed("a host is frozen until its lease is over")}},
	} {
		t.Run(without.guarantee+"/"+without.of, func(t *testing.T) {
			t.Parallel()
			const attempts = 10
			for i := range uint64(attempts) {
				found := without.run(t, scenario{
					name: fmt.Sprintf("without-%s-%s", without.guarantee, without.of), seed: *firstSeed + i, servers: 1, faults: without.with,
					atMost:     8 * time.Second,
					settling:   5 * time.Second,
					planners:   40,          // so that few are called again, which would wake them
					generation: time.Minute, // so that a host that comes to finds the actors that it had still called
					env:        []string{envOff + "=" + without.guarantee},
				})
				if len(found.faults) > 0 {
					t.Logf("found: %s", found.faults[0])
					return
				}
			}
			t.Errorf("%d runs without %s, and nothing was found", attempts, without.guarantee)
		})
	}
}

// scenario is one run.
type scenario struct {
	name            string
	seed            uint64
	servers         int
	faults          []fault
	once            bool                           // one of them, and no more
	atLeast, atMost time.Duration                  // of the time that the flag gives
	callers         int                            // by default eight
	load            func(*caller, context.Context) // what a caller does until its context ends; by default (*caller).run
	generation      time.Duration                  // see actors; by default four seconds
	patience        time.Duration                  // see caller
	planners        int                            // of each client that plans
	settling        time.Duration                  // how long orders are given once all faults are over; by default a minute
	storage         int                            // of a server, in bytes; by default as much as there is
	env             []string                       // of the hosts
}

func (sc scenario) duration() time.Duration {
	duration := max(time.Duration(*seconds)*time.Second, sc.atLeast)
	if sc.atMost > 0 {
		duration = min(duration, sc.atMost)
	}
	return duration
}

// findings are what a run has come to.
type findings struct {
	faults     []string
	operations []operation
}

func (f findings) report(t *testing.T) {
	t.Helper()
	const most = 20
	for _, fault := range f.faults[:min(most, len(f.faults))] {
		t.Error(fault)
	}
	if more := len(f.faults) - most; more > 0 {
		t.Errorf("and %d more", more)
	}
}

// run lets clients call while the faults of a scenario happen.
func run(t *testing.T, sc scenario) findings {
	t.Helper()
	env := sc.env
	if sc.storage > 0 {
		env = append(slices.Clone(env), fmt.Sprint(envStorage, "=", sc.storage))
	}
	s := begin(t, sc.servers, sc.name+".log", env...)
	defer s.end()
	duration := sc.duration()
	h := &history{began: time.Now()}
	w := s.watch(h, sc.seed, fewJournals, fewWriters)
	if slices.Contains(sc.env, envOff+"="+gapTelling) {
		for _, e := range w.ears {
			e.noGaps.Store(true)
		}
	}
	ctx, stop := context.WithTimeout(t.Context(), duration)
	defer stop()
	var running sync.WaitGroup
	var clients []*caller
	load := sc.load
	if load == nil {
		load = (*caller).run
	}
	for i := range cmp.Or(sc.callers, callers) {
		c := s.caller(i, sc.seed, h)
		c.generation, c.patience = cmp.Or(sc.generation, generation), sc.patience
		clients = append(clients, c)
		running.Go(func() { load(c, ctx) })
	}
	w.write(ctx, "", watchPause)
	clients[0].listen(t)
	t.Logf("seed %d: %s, %v", sc.seed, s, duration)
	if random := rand.New(rand.NewPCG(sc.seed, 0)); sc.once {
		s.strike(random, sc.faults)
	} else {
		s.suffer(ctx, random, sc.faults)
	}
	running.Wait()
	s.mend()
	clients[0].last(t)
	found := append(w.findings(), s.found...)
	operations := h.all()
	path := save(t, operations, sc.name+".jsonl")
	found = append(found, faultsOf(operations)...)
	ends := map[string]int{}
	for _, o := range operations {
		ends[o.Outcome]++
	}
	var again uint64
	for _, c := range clients {
		again += c.bus.Resent()
	}
	t.Logf("%d calls: %d acknowledged, %d refused, %d unknown, %d sent again; %d events; %d faults found; history: %s",
		len(operations)-ends[event], ends[acknowledged], ends[refused], ends[unknown], again, ends[event], len(found), path)
	return findings{found, operations}
}
