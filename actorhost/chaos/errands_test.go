//go:build chaos && unix

package chaos_test

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/client"
)

// stepFaults are those of workflows, beside what else may happen.
var stepFaults = []fault{
	{"a host is killed before a step", killAt("before_step")},
	{"a host is killed after a step", killAt("after_step")},
	{"a host is frozen before a step until its lease is over", freezeAt("before_step")},
	{"a host is frozen after a step until its lease is over", freezeAt("after_step")},
}

// errandFaults are as many of each kind, so that workflows have their share.
var errandFaults = slices.Concat(faults, stepFaults, stepFaults, stepFaults)

const (
	runners        = 4
	betweenErrands = 150 * time.Millisecond
)

// runner is a client that starts errands, and pays for others meanwhile.
type runner struct {
	client  *client.Client
	random  *rand.Rand
	ids     *atomic.Int32
	started []errandWish
	faults  []string
}

// TestChaosWorkflows has clients start workflows, and send signals to some, while faults happen. Nobody calls one after that. In the end
// each is over as it should be: what it has paid is paid once, and undone once if it has failed.
func TestChaosWorkflows(t *testing.T) {
	t.Parallel()
	eachSeed(t, "errands", errandFaults, runErrands)
}

// runErrands has errands run while the faults of a scenario happen, waits until all are over, and counts.
func runErrands(t *testing.T, sc scenario) findings {
	t.Helper()
	s := begin(t, sc.servers, sc.name+".log", sc.env...)
	defer s.end()
	var ids atomic.Int32
	var all []*runner
	var runs []clientRun
	for i, cl := range s.connect(runners) {
		c := &runner{client: cl, ids: &ids, random: rand.New(rand.NewPCG(sc.seed, uint64(4000+i)))}
		all, runs = append(all, c), append(runs, c.run)
	}
	s.run(sc, 5, runs)
	found := findings{faults: slices.Clone(s.found)}
	var started []errandWish
	for _, c := range all {
		found.faults = append(found.faults, c.faults...)
		started = append(started, c.started...)
	}
	found.faults = append(found.faults, all[0].check(t, started, cmp.Or(sc.settling, settling))...)
	log, err := os.ReadFile(filepath.Join(*historyDir, sc.name+".log"))
	require.NoError(t, err)
	for line := range strings.SplitSeq(string(log), "\n") {
		if strings.Contains(line, "a workflow is stuck") {
			found.faults = append(found.faults, "all hosts run the same program: "+line)
		}
	}
	return found
}

// run starts errands until ctx is done, and sees the last one started until give is.
func (c *runner) run(ctx, give context.Context) {
	for ctx.Err() == nil {
		id := int(c.ids.Add(1))
		wish := errandWish{ID: id, Fails: c.random.IntN(3) == 0, Waits: c.random.IntN(3) == 0}
		ref := troupe.GetOrCreate[errand](c.client, fmt.Sprint(id))
		if c.insist(give, func(ctx context.Context) error { return runErrand.Start(ctx, ref, wish) }) {
			c.started = append(c.started, wish)
		}
		if wish.Waits && !c.insist(give, func(ctx context.Context) error {
			return goAhead.Send(troupe.WithRequestID(ctx, fmt.Sprint("ahead-", id)), ref, id)
		}) {
			c.faults = append(c.faults, fmt.Sprintf("%+v was never told to go ahead", wish))
		}
		for i := range 20 { // so that tills have much to remember
			one, cancel := context.WithTimeout(ctx, callTimeout)
			named := troupe.WithRequestID(one, fmt.Sprint(id, "-other-", i))
			_, _ = pay.Call(named, troupe.GetOrCreate[till](c.client, fmt.Sprint("t", id%tills)), fmt.Sprint("other-", id%100))
			cancel()
		}
		sometime(c.random, betweenErrands)
	}
}

// insist makes a call that takes effect once until it is answered.
func (c *runner) insist(ctx context.Context, call func(context.Context) error) bool {
	var err error
	for ctx.Err() == nil {
		one, cancel := context.WithTimeout(ctx, callTimeout)
		err = call(one)
		cancel()
		if err == nil {
			return true
		}
		sometime(c.random, shortly)
	}
	return false
}

// check waits until the errands are over, without calling any, and compares.
func (c *runner) check(t *testing.T, started []errandWish, most time.Duration) (faults []string) {
	t.Helper()
	want := map[string]int{}
	failing := 0
	for _, wish := range started {
		for _, what := range wish.payments() {
			want[what] = 1
		}
		if wish.Fails {
			failing++
		}
	}
	var found map[string]int
	for began := time.Now(); ; {
		if found = c.paid(t, started); len(found) >= len(want) || time.Since(began) > most {
			break
		}
		// Hosts are other processes: all there is to do is to ask again.
		time.Sleep(betweenAudits)
	}
	for what, times := range found {
		if times != 1 || want[what] != 1 {
			faults = append(faults, fmt.Sprintf("%s was paid %d times, not %d", what, times, want[what]))
		}
	}
	for what := range want {
		if found[what] == 0 {
			faults = append(faults, what+" was never paid: its workflow does not go on")
		}
	}
	for _, wish := range started {
		ctx, cancel := context.WithTimeout(t.Context(), settling)
		ref := troupe.GetOrCreate[errand](c.client, fmt.Sprint(wish.ID))
		out, err := runErrand.Result(ctx, ref)
		notes, noted := seenNotes.Call(ctx, ref, nil)
		cancel()
		switch {
		case wish.Fails != (err != nil), !wish.Fails && out != wish.ID:
			faults = append(faults, fmt.Sprintf("%+v has given %d, %v", wish, out, err))
		case noted != nil || !slices.Equal(notes, []string{"walk0", "walk1"}):
			faults = append(faults, fmt.Sprintf("%+v has noted %q, %v", wish, notes, noted))
		}
	}
	t.Logf("%d workflows, %d of them undone; %d payments, %d wrong", len(started), failing, len(found), len(faults))
	return faults
}

// payments is what an errand pays, once each.
func (w errandWish) payments() (all []string) {
	for i := range 2 {
		all = append(all, fmt.Sprint(w.ID, "/walk", i))
		if w.Fails {
			all = append(all, fmt.Sprint(w.ID, "/back-walk", i))
		}
	}
	for i := range sideSteps {
		all = append(all, fmt.Sprintf("%d/side[%d]", w.ID, i))
	}
	return all
}

// paid is what was paid for errands, each with how often.
func (c *runner) paid(t *testing.T, started []errandWish) map[string]int {
	t.Helper()
	known := map[string]bool{}
	for _, wish := range started {
		known[fmt.Sprint(wish.ID)] = true
	}
	all := map[string]int{}
	for i := range tills {
		ctx, cancel := context.WithTimeout(t.Context(), settling)
		at, err := paid.Call(ctx, troupe.GetOrCreate[till](c.client, fmt.Sprint("t", i)), nil)
		cancel()
		require.NoError(t, err)
		for what, times := range at {
			id, what, _ := strings.Cut(what, "/")
			if _, side, ok := strings.Cut(what, "/"); ok { // the run before it
				what = side
			}
			if known[id] {
				all[id+"/"+what] += times
			}
		}
	}
	return all
}
