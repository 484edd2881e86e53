//go:build chaos && unix

package chaos_test

import (
	"io"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// proxy stands between a host and the bus, and can cut the connection in one direction or both. What is held up then
// arrives when it is mended, as with a network that drops packets.
type proxy struct {
	listener net.Listener
	target   string

	mu     sync.Mutex
	moved  *sync.Cond
	in     bool // nothing gets to the host
	out    bool // nothing gets from the host
	closed bool
}

func newProxy(t *testing.T, target string) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &proxy{listener: listener, target: target}
	p.moved = sync.NewCond(&p.mu)
	go p.accept()
	t.Cleanup(func() {
		p.listener.Close()
		p.mu.Lock()
		p.closed = true
		p.moved.Broadcast()
		p.mu.Unlock()
	})
	return p
}

func (p *proxy) url() string { return "nats://" + p.listener.Addr().String() }

func (p *proxy) cut(in, out bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.in, p.out = in, out
	p.moved.Broadcast()
}

func (p *proxy) accept() {
	for {
		host, err := p.listener.Accept()
		if err != nil {
			return
		}
		go func() {
			server, err := net.Dial("tcp", p.target)
			if err != nil {
				host.Close()
				return
			}
			go p.copy(host, server, &p.in)
			p.copy(server, host, &p.out)
		}()
	}
}

func (p *proxy) copy(to io.WriteCloser, from io.ReadCloser, cut *bool) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		p.mu.Lock()
		for *cut && !p.closed {
			p.moved.Wait()
		}
		p.mu.Unlock()
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
