//go:build chaos && unix

package chaos_test

import (
	"flag"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

var (
	rounds = flag.Int("rounds", 0, "how often TestFailover lets each thing happen; on a cluster at most ten times")
	awake  = flag.Int("awake", 10_000, "how many actors are awake on a host when it goes")
	rows   = flag.String("rows", "", "regular expression for the rows of TestFailover's table that are wanted")
)

// TestFailover measures how long an actor is without service when its host goes, with the default lease, and prints a
// table: for a call that is made at that moment, and for one that has been in service for a second.
func TestFailover(t *testing.T) {
	if *rounds == 0 {
		// It measures for minutes, and checks nothing that TestChaos does not.
		t.Skip("without -rounds")
	}
	wanted, err := regexp.Compile(*rows)
	require.NoError(t, err)
	few := min(*rounds, 10)
	takeover := []string{envTakeover + "=1"}
	fmt.Println("| what happens | awake on it | times | a call at that moment: p50, p99, max | a call in service: p50, p99, max | failed | lost | double |")
	fmt.Println("|---|---|---|---|---|---|---|---|")
	for _, r := range []row{
		{"killed (`kill -9`)", 1, *awake, *rounds, nil, ends((*process).kill)},
		{"frozen (SIGSTOP)", 1, min(*awake, 100), *rounds, nil, sent(syscall.SIGSTOP)},
		{"drained (SIGTERM)", 1, *awake, *rounds, nil, sent(syscall.SIGTERM)},
		{"killed, on a cluster", 3, *awake, few, nil, ends((*process).kill)},
		{"killed, on a cluster with `TakeoverOnDisconnect`", 3, *awake, few, takeover, ends((*process).kill)},
		{"drained, on a cluster", 3, *awake, few, nil, sent(syscall.SIGTERM)},
		{"a server of three is frozen", 3, min(*awake, 100), few, nil, (*failover).freezeServer},
		{"the bucket of leases is deleted", 1, *awake, few, nil, deletes("KV_troupe-hosts")},
		{"the journal is deleted", 1, *awake, few, nil, deletes("troupe-journal")},
		{"all streams are put back to a copy", 1, *awake, few, nil, (*failover).putBack},
	} {
		if wanted.MatchString(r.name) {
			newFailover(t, r).measure(r)
		}
	}
}

// row is what happens to hosts, and how often.
type row struct {
	name                    string
	servers, actors, rounds int
	env                     []string // of the hosts
	prepare                 prepare
}

// prepare gets ready for what happens to the host, or to its server, and returns what makes it happen.
type prepare func(f *failover, host *process) (happen func())

func ends(end func(*process)) prepare {
	return func(_ *failover, host *process) func() { return func() { end(host) } }
}

func sent(sig syscall.Signal) prepare { return ends(func(p *process) { p.signal(sig) }) }

// freezeServer freezes a server for longer than clients and hosts take to find that out.
func (f *failover) freezeServer(*process) func() {
	server := f.s.servers[f.made%len(f.s.servers)]
	f.t.Cleanup(func() { server.signal(syscall.SIGCONT) })
	return func() {
		server.signal(syscall.SIGSTOP)
		time.AfterFunc(20*time.Second, func() { server.signal(syscall.SIGCONT) })
	}
}

func deletes(name string) prepare {
	return func(f *failover, _ *process) func() {
		return func() { deleteStream(name)(f.s, nil) }
	}
}

// putBack copies all streams, and puts them back with the server killed.
func (f *failover) putBack(*process) func() {
	copied := f.t.TempDir()
	f.s.copyStreams(copied)
	f.awaitHosts(2)
	f.awaitService()
	return func() { f.s.putBack(copied, slices.Concat(sparedStreams, otherStreams)) }
}

type failover struct {
	t      *testing.T
	s      *system
	client *client.Client
	owner  *process
	made   int
}

func newFailover(t *testing.T, r row) *failover {
	t.Helper()
	f := &failover{t: t, s: startServers(t, r.servers, "failover.log")}
	f.s.env = r.env
	nc, err := bus.Connect(t.Context(), bus.Config{URL: f.s.urls(), Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	f.client, err = client.New(nc, client.Config{})
	require.NoError(t, err)
	f.owner = f.host()
	f.awaitService()
	return f
}

// awaitService waits until calls are answered.
func (f *failover) awaitService() {
	require.Eventually(f.t, func() bool {
		_, err := add.Call(f.t.Context(), troupe.GetOrCreate[counter](f.client, "first"), 1)
		return err == nil
	}, 30*time.Second, 20*time.Millisecond)
}

func (f *failover) host() *process {
	return start(f.t, f.s.log, append(slices.Clone(f.s.env), envRole+"=host", envURL+"="+f.s.urls())...)
}

func (f *failover) measure(r row) {
	defer f.s.end()
	var next, served []time.Duration
	failed, lost, double := 0, 0, 0
	check := func(got, want int, err error) {
		switch {
		case err != nil:
			f.t.Log(r.name, err)
			failed++
		case got < want:
			lost++
		case got > want:
			double++
		}
	}
	for i := range r.rounds {
		fmt.Fprintf(os.Stderr, "\r%s: %d of %d ", r.name, i, r.rounds)
		f.wake(r.actors)
		f.made++
		a := troupe.GetOrCreate[counter](f.client, fmt.Sprint("called", f.made))
		b := troupe.GetOrCreate[counter](f.client, fmt.Sprint("served", f.made))
		for _, one := range []counter{a, b} {
			_, err := add.Call(f.t.Context(), one, 1)
			require.NoError(f.t, err)
		}
		old := f.owner
		f.owner = f.host()
		f.awaitHosts(2)
		happen := r.prepare(f, old)
		const service, before = 1200 * time.Millisecond, time.Second
		var began time.Time
		ended := make(chan time.Duration, 1)
		go func() {
			got, err := nap.Call(f.t.Context(), b, service)
			ended <- time.Since(began)
			check(got, 2, err)
			close(ended)
		}()
		// So long has the call been in service when its host goes.
		time.Sleep(before)
		began = time.Now()
		go happen()
		got, err := add.Call(f.t.Context(), a, 1)
		next = append(next, time.Since(began))
		if took, ok := <-ended; ok {
			served = append(served, took-service) // its service began anew
			<-ended
		}
		check(got, 2, err)
		old.kill()
		f.awaitHosts(1)
	}
	fmt.Fprint(os.Stderr, "\r")
	fmt.Printf("| %s | %d | %d | %s | %s | %d | %d | %d |\n", r.name, r.actors, r.rounds, spread(next), spread(served), failed, lost, double)
}

// wake calls that many actors.
func (f *failover) wake(actors int) {
	var calls errgroup.Group
	calls.SetLimit(64)
	for i := range actors {
		calls.Go(func() error {
			_, err := add.Call(f.t.Context(), troupe.GetOrCreate[counter](f.client, fmt.Sprint("other", i)), 1)
			return err
		})
	}
	require.NoError(f.t, calls.Wait())
}

// awaitHosts waits until so many hosts have a lease.
func (f *failover) awaitHosts(n int) {
	f.s.await(func(up int) bool { return up == n })
}

func spread(values []time.Duration) string {
	slices.Sort(values)
	at := func(percent int) time.Duration { return values[(len(values)-1)*percent/100].Round(time.Millisecond) }
	return fmt.Sprintf("%v, %v, %v", max(at(50), 0), max(at(99), 0), max(at(100), 0))
}
