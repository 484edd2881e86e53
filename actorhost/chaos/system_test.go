//go:build chaos && unix

package chaos_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// system is the processes under test.
type system struct {
	t       *testing.T
	began   time.Time
	log     io.Writer
	lease   time.Duration
	env     []string // of hosts
	servers []*node
	hosts   []*member
	clients []*proxy
	callers []*caller

	listening *proxy // of the client with all ears; nil: none

	mu    sync.Mutex
	found []string // what faults have found
}

// node is a server that is started again with the data it had.
type node struct {
	*process
	env []string
	url string
	dir string
}

// member is a place for a host, behind a proxy of its own.
type member struct {
	*process
	proxy *proxy
}

const members = 3

// begin starts one server or a cluster of three, and the hosts. Their logs go to a file.
func begin(t *testing.T, servers int, log string, env ...string) *system {
	t.Helper()
	s := startServers(t, servers, log, env...)
	s.env = env
	s.lease = 2 * time.Second
	if servers > 1 {
		s.lease = 10 * time.Second
	}
	for i := range members {
		s.hosts = append(s.hosts, &member{proxy: newProxy(t, s.servers)})
		s.startHost(s.hosts[i])
	}
	s.awaitHosts()
	return s
}

func startServers(t *testing.T, servers int, log string, env ...string) *system {
	t.Helper()
	require.NoError(t, os.MkdirAll(*historyDir, 0o755))
	file, err := os.Create(filepath.Join(*historyDir, log))
	require.NoError(t, err)
	t.Cleanup(func() { file.Close() })
	s := &system{t: t, began: time.Now(), log: file}
	var routes []string
	for range servers {
		routes = append(routes, freeAddress(t))
	}
	for i := range servers {
		address := freeAddress(t)
		others := append(append([]string{routes[i]}, routes[:i]...), routes[i+1:]...)
		n := &node{url: "nats://" + address, dir: t.TempDir()}
		n.env = append(slices.Clone(env), envRole+"=server", envListen+"="+address, envDir+"="+n.dir, envCluster+"="+strings.Join(others, ","))
		s.servers = append(s.servers, n)
		n.process = start(t, s.log, n.env...)
	}
	for _, n := range s.servers {
		s.awaitServer(n)
	}
	return s
}

func (s *system) startHost(m *member) {
	m.process = start(s.t, s.log, append(s.env, envRole+"=host", envURL+"="+m.proxy.urls(), envLease+"="+s.lease.String())...)
}

// restartHost kills what is there.
func (s *system) restartHost(m *member) {
	m.kill()
	m.proxy.cut(false, false)
	s.startHost(m)
}

// awaitServer waits until a server can be used.
func (s *system) awaitServer(n *node) {
	require.Eventually(s.t, func() bool {
		nc, err := nats.Connect(n.url)
		if err != nil {
			return false
		}
		defer nc.Close()
		js, err := jetstream.New(nc)
		if err != nil {
			return false
		}
		_, err = js.AccountInfo(s.t.Context())
		return err == nil
	}, 30*time.Second, 20*time.Millisecond)
}

// awaitHosts waits until all hosts have a lease.
func (s *system) awaitHosts() {
	s.await(func(up int) bool { return up >= members })
}

// await waits until the number of leases is right.
func (s *system) await(right func(up int) bool) {
	nc, err := nats.Connect(s.urls())
	require.NoError(s.t, err)
	defer nc.Close()
	ns, err := wire.NewNamespace("")
	require.NoError(s.t, err)
	require.Eventually(s.t, func() bool {
		leases, err := store.FindHosts(s.t.Context(), nc, ns)
		if err != nil || leases == nil { // no host has made them yet
			return false
		}
		up, err := leases.All(s.t.Context())
		return err == nil && right(len(up))
	}, time.Minute, 20*time.Millisecond)
}

// client is the way to the servers of a new client.
func (s *system) client() *proxy {
	p := newProxy(s.t, s.servers)
	s.clients = append(s.clients, p)
	return p
}

// findf notes what is wrong.
func (s *system) findf(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.found = append(s.found, fmt.Sprintf(format, args...))
}

// urls are those of the servers themselves.
func (s *system) urls() string {
	var urls []string
	for _, n := range s.servers {
		urls = append(urls, n.url)
	}
	return strings.Join(urls, ",")
}

// restartServer ends a server by a signal and starts it again.
func (s *system) restartServer(n *node, sig syscall.Signal) {
	n.signal(sig)
	<-n.gone
	n.process = start(s.t, s.log, n.env...)
	s.awaitServer(n)
}

// loseServer ends a server for good, and its data with it.
func (s *system) loseServer(r *rand.Rand) {
	n := s.servers[r.IntN(len(s.servers))]
	n.kill()
	require.NoError(s.t, os.RemoveAll(n.dir))
}

// end kills what is there.
func (s *system) end() {
	for _, m := range s.hosts {
		m.kill()
	}
	for _, n := range s.servers {
		n.kill()
	}
}

// mend ends all faults.
func (s *system) mend() {
	for _, n := range s.servers {
		n.signal(syscall.SIGCONT)
	}
	for _, p := range s.clients {
		p.cut(false, false)
		p.worsen(nil)
	}
	for _, m := range s.hosts {
		m.proxy.cut(false, false)
		m.proxy.worsen(nil)
		m.signal(syscall.SIGCONT)
		select {
		case <-m.gone:
			s.startHost(m)
		default:
		}
	}
}

func (s *system) String() string {
	return fmt.Sprintf("%d servers, %d hosts", len(s.servers), len(s.hosts))
}
