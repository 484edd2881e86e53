//go:build chaos && unix

package chaos_test

import (
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// proxy stands between a process and the bus, with an address for each server. It can
//
//   - cut the connections in one direction or both: what is held up arrives when they are mended, as with a network that
//     drops packets;
//   - have them vanish: nothing arrives any more, and nobody is told. New ones work;
//   - make them slow, and now and then break one in the middle of a message.
type proxy struct {
	addresses []string
	mu        sync.Mutex
	moved     *sync.Cond
	in        bool // nothing gets to the process
	out       bool // nothing gets from the process
	bad       *bad // nil: as fast as can be
	dark      int  // no new connections to this server; negative: all are let through
	closed    bool
	lines     map[*line]bool // those that are there
}

// line is one connection through a proxy.
type line struct {
	server   int
	gone     bool // it has vanished
	asked    bool // something has come from the process
	answered bool // and from the server, after that
}

// bad is a slow and lossy network.
type bad struct {
	delay time.Duration // at most, of each piece
	rate  int           // bytes a second, of each direction
	whole int           // so many bytes pass, on average, before a connection breaks
}

func newProxy(t *testing.T, servers []*node) *proxy {
	t.Helper()
	p := &proxy{lines: make(map[*line]bool), dark: -1}
	p.moved = sync.NewCond(&p.mu)
	for i, n := range servers {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		p.addresses = append(p.addresses, "nats://"+listener.Addr().String())
		go p.accept(listener, i, strings.TrimPrefix(n.url, "nats://"))
		t.Cleanup(func() { listener.Close() })
	}
	t.Cleanup(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.closed = true
		p.moved.Broadcast()
	})
	return p
}

// urls are for one connection string.
func (p *proxy) urls() string { return strings.Join(p.addresses, ",") }

func (p *proxy) cut(in, out bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.in, p.out = in, out
	p.moved.Broadcast()
}

// worsen makes the connections slow and lossy. Nil is the end of it.
func (p *proxy) worsen(how *bad) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bad = how
}

// vanish has the connections to a server vanish, and reports whether there were any. A negative number is all servers.
func (p *proxy) vanish(server int) (some bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.lines {
		if !l.gone && (server < 0 || l.server == server) {
			l.gone, some = true, true
		}
	}
	p.moved.Broadcast()
	return some
}

// darken lets nobody make a connection to a server. A negative number is none.
func (p *proxy) darken(server int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dark = server
	p.moved.Broadcast()
}

// connected reports whether there is a connection by which the server has answered.
func (p *proxy) connected() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.lines {
		if !l.gone && l.answered {
			return true
		}
	}
	return false
}

func (p *proxy) accept(listener net.Listener, number int, target string) {
	for {
		process, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			p.mu.Lock()
			for p.dark == number && !p.closed {
				p.moved.Wait()
			}
			p.mu.Unlock()
			server, err := net.Dial("tcp", target)
			if err != nil {
				process.Close()
				return
			}
			l := &line{server: number}
			p.mu.Lock()
			p.lines[l] = true
			p.mu.Unlock()
			go p.copy(l, process, server, true)
			p.copy(l, server, process, false)
			p.mu.Lock()
			delete(p.lines, l)
			p.mu.Unlock()
		}()
	}
}

// copy copies until one side ends, which is the end of the other too, unless the line has vanished: then nobody is told.
func (p *proxy) copy(l *line, to io.WriteCloser, from io.ReadCloser, in bool) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		part := p.pass(l, n, in)
		if _, failed := to.Write(buffer[:part]); failed != nil || err != nil || part < n {
			return
		}
	}
}

// pass waits until n bytes may pass, and returns how many do.
func (p *proxy) pass(l *line, n int, in bool) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	for !p.closed && (l.gone || in && p.in || !in && p.out) {
		p.moved.Wait()
	}
	if n > 0 {
		l.answered = l.answered || in && l.asked
		l.asked = l.asked || !in
	}
	if p.closed || p.bad == nil || n == 0 {
		return n
	}
	how := *p.bad
	p.mu.Unlock()
	// That is what a slow network is.
	time.Sleep(rand.N(how.delay) + time.Duration(n)*time.Second/time.Duration(how.rate))
	p.mu.Lock()
	if l.gone || rand.N(how.whole) < n {
		return rand.N(n)
	}
	return n
}

// all are the proxies of hosts and clients.
func (s *system) proxies() []*proxy {
	all := slices.Clone(s.clients)
	for _, m := range s.hosts {
		all = append(all, m.proxy)
	}
	return all
}
