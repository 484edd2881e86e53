//go:build chaos && unix

package chaos_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// back is the time in which everybody is back who has lost a server without a word, or whose trouble is over.
const back = 10 * time.Second

// networkFaults are those of the ways between processes and servers.
var networkFaults = []fault{
	{"a server vanishes", func(s *system, r *rand.Rand) {
		server := r.IntN(len(s.servers))
		s.vanish(server, s.proxies(), len(s.servers) > 1)
	}},
	{"the connections of a host vanish", func(s *system, r *rand.Rand) { s.vanish(-1, []*proxy{s.someHost(r).proxy}, false) }},
	{"the connections of a client vanish", func(s *system, r *rand.Rand) { s.vanish(-1, []*proxy{s.someClient(r)}, false) }},
	{"a client is silent", func(s *system, r *rand.Rand) { silence(s.someClient(r), r) }},
	{"a host is silent", func(s *system, r *rand.Rand) { silence(s.someHost(r).proxy, r) }},
	{"the network is slow and lossy", func(s *system, r *rand.Rand) {
		all := s.proxies()
		if r.IntN(2) == 0 {
			one := r.IntN(len(all))
			all = all[one : one+1]
		}
		how := bad{
			delay: time.Millisecond + time.Duration(r.Int64N(int64(40*time.Millisecond))),
			rate:  200_000 + r.IntN(5_000_000), whole: 20_000 + r.IntN(1_000_000),
		}
		for _, p := range all {
			p.worsen(&how)
		}
		// So long the network is bad at least: nothing says when it has done harm.
		time.Sleep(time.Second)
		sometime(r, 2*time.Second)
		for _, p := range all {
			p.worsen(nil)
		}
		s.awaitService(time.Now(), s.callers)
	}},
}

// someClient is every other time the one that listens.
func (s *system) someClient(r *rand.Rand) *proxy {
	if all := s.clients; s.listening == nil || r.IntN(2) == 0 {
		return all[r.IntN(len(all))]
	}
	return s.listening
}

// silence holds up all that a process sends and gets, for less time than a connection takes to be given up, or for more.
func silence(p *proxy, r *rand.Rand) {
	p.cut(true, true)
	if sometime(r, time.Second); r.IntN(2) == 0 {
		// So long is too long for a connection: those who hold its ends do not tell us.
		time.Sleep(4 * time.Second)
		sometime(r, 4*time.Second)
	}
	p.cut(false, false)
}

// vanish has the connections of these proxies to a server vanish, and waits until all are back. If it is dark, no new ones
// to that server can be made meanwhile.
func (s *system) vanish(server int, proxies []*proxy, dark bool) {
	began := time.Now()
	var gone []*proxy
	for _, p := range proxies {
		if dark {
			p.darken(server)
		}
		if p.vanish(server) {
			gone = append(gone, p)
		}
	}
	for _, p := range gone {
		for !p.connected() && time.Since(began) <= back {
			// Who connects is in another process: all there is to do is to look again.
			time.Sleep(20 * time.Millisecond)
		}
		if took := time.Since(began); took > back {
			s.findf("%s was without a connection for %v after a server had vanished", s.nameOf(p), took)
		}
	}
	var callers []*caller
	for _, c := range s.callers {
		for _, p := range gone {
			if c.proxy == p {
				callers = append(callers, c)
			}
		}
	}
	s.awaitService(began, callers)
	for _, p := range proxies {
		p.darken(-1)
	}
}

// nameOf says whose proxy it is.
func (s *system) nameOf(p *proxy) string {
	for i, m := range s.hosts {
		if m.proxy == p {
			return fmt.Sprint("host ", i)
		}
	}
	for _, c := range s.callers {
		if c.proxy == p {
			return fmt.Sprint("client ", c.number)
		}
	}
	return "a client"
}

// awaitService waits until each client that still calls has changed something since.
func (s *system) awaitService(since time.Time, callers []*caller) {
	const underWay = 50 * time.Millisecond // what arrives in this time may be from before
	defer func() {
		s.t.Logf("%6.2f s: all are back after %v", time.Since(s.began).Seconds(), time.Since(since).Round(time.Millisecond))
	}()
	for _, c := range callers {
		if !c.calls.Load() {
			continue
		}
		for !c.over.Load() && c.served.Load() < int64(since.Add(underWay).Sub(c.began)) && time.Since(since) <= back {
			// What it waits for happens in another process.
			time.Sleep(20 * time.Millisecond)
		}
		if took := time.Since(since); took > back && !c.over.Load() {
			s.findf("client %d was without service for %v", c.number, took)
		}
	}
}

// TestChaosNetwork lets servers, hosts and clients lose each other without a word, and be slow and lossy. Clients and hosts
// are back in time.
func TestChaosNetwork(t *testing.T) {
	t.Parallel()
	eachSeed(t, "network", networkFaults, run)
}
