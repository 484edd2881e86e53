//go:build chaos

package chaos_test

import (
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
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
	rounds = flag.Int("rounds", 0, "how often TestFailover lets each thing happen")
	awake  = flag.Int("awake", 10_000, "how many actors are awake on a host when it is killed")
)

// TestFailover measures how long an actor is without service when its host goes, on a single server with the default
// lease, and prints a table: for a call that is made at that moment, and for one that is being served at that moment.
func TestFailover(t *testing.T) {
	if *rounds == 0 {
		t.Skip("without -rounds")
	}
	require.NoError(t, os.MkdirAll(*historyDir, 0o755))
	file, err := os.Create(filepath.Join(*historyDir, "failover.log"))
	require.NoError(t, err)
	defer file.Close()
	f := failover{t: t, s: &system{t: t, log: file, lease: 3 * time.Second}}
	address := freeAddress(t)
	server := &node{url: "nats://" + address, env: []string{envRole + "=server", envListen + "=" + address, envDir + "=" + t.TempDir()}}
	f.s.servers = []*node{server}
	server.process = start(t, file, server.env...)
	f.s.awaitServer(server)
	nc, err := bus.Connect(t.Context(), bus.Options{URL: server.url, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	defer nc.Close()
	f.client, err = client.New(nc)
	require.NoError(t, err)
	f.owner = f.host()
	require.Eventually(t, func() bool {
		_, err := add.Call(t.Context(), troupe.GetOrCreate[counter](f.client, "first"), 1)
		return err == nil
	}, 30*time.Second, 20*time.Millisecond)

	fmt.Println("| the host is | awake on it | a call at that moment: p50, p99, max | a call in service: p50, p99, max | failed | lost | double |")
	fmt.Println("|---|---|---|---|---|---|---|")
	f.measure("killed (`kill -9`)", *awake, func(p *process) { p.kill() })
	f.measure("frozen (SIGSTOP)", 100, func(p *process) { p.signal(syscall.SIGSTOP) })
	f.measure("drained (SIGTERM)", *awake, func(p *process) { p.signal(syscall.SIGTERM) })
}

type failover struct {
	t      *testing.T
	s      *system
	client *client.Client
	owner  *process
	made   int
}

func (f *failover) host() *process {
	return start(f.t, f.s.log, envRole+"=host", envURL+"="+f.s.servers[0].url, envLease+"="+f.s.lease.String())
}

func (f *failover) measure(name string, actors int, end func(*process)) {
	var next, served []time.Duration
	failed, lost, double := 0, 0, 0
	check := func(got, want int, err error) {
		switch {
		case err != nil:
			f.t.Log(name, err)
			failed++
		case got < want:
			lost++
		case got > want:
			double++
		}
	}
	for i := range *rounds {
		fmt.Fprintf(os.Stderr, "\r%s: %d of %d ", name, i, *rounds)
		f.wake(actors)
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
		const service = 200 * time.Millisecond
		var began time.Time
		ended := make(chan time.Duration, 1)
		go func() {
			got, err := nap.Call(f.t.Context(), b, service)
			ended <- time.Since(began)
			check(got, 2, err)
			close(ended)
		}()
		time.Sleep(service / 2)
		began = time.Now()
		go end(old)
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
	fmt.Printf("| %s | %d | %s | %s | %d | %d | %d |\n", name, actors, spread(next), spread(served), failed, lost, double)
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
