package hosttest

import (
	"errors"
	"sync"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe/actorhost/internal/crash"
	"github.com/troupe-go/troupe/internal/link"
)

// crashes are the steps of workflows at which a host is to crash.
type crashes struct {
	mu      sync.Mutex
	planned map[crashPoint]struct{}
	started sync.WaitGroup // hosts in place of those that crashed
}

// errCrashed is that of a host which has come to a step where it is to crash while it still started.
var errCrashed = errors.New("hosttest: the host has crashed as it started")

type crashPoint struct {
	point crash.Point
	step  string
}

// CrashBefore has the next host that is about to try a step of a workflow crash there, as a process does that is killed: what is
// stored is that the step before is done. Another host is started in its place, with the same definitions, and goes on. Steps
// are those that a function takes by actorhost.Step, Each and Update, and undos; an item of Each is "name[0]", the second step of a
// name "name#2". The test fails if no workflow comes there.
func (b *Bus) CrashBefore(step string) { b.planCrash(crashPoint{crash.Before, step}) }

// CrashAfter is [Bus.CrashBefore] for the moment when a step has run, and what it has given is not stored: it runs again, and what
// it did to other actors must not happen twice. An update is never there: it is stored with its step.
func (b *Bus) CrashAfter(step string) { b.planCrash(crashPoint{crash.After, step}) }

func (b *Bus) planCrash(at crashPoint) {
	b.tb.Helper()
	b.crashes.mu.Lock()
	defer b.crashes.mu.Unlock()
	if b.crashes.planned == nil {
		b.crashes.planned = make(map[crashPoint]struct{})
		b.tb.Cleanup(b.crashes.started.Wait)
	}
	b.crashes.planned[at] = struct{}{}
	b.tb.Cleanup(func() {
		b.crashes.mu.Lock()
		defer b.crashes.mu.Unlock()
		if _, left := b.crashes.planned[at]; left {
			b.tb.Errorf("hosttest: no host was %s the step %s of a workflow", at.point, at.step)
		}
	})
}

// crashAt ends a host that has this connection, if it is to crash there, and has another one started.
func (b *Bus) crashAt(p crash.Point, step string, nc *nats.Conn, another func() error) (dead bool) {
	b.crashes.mu.Lock()
	defer b.crashes.mu.Unlock()
	at := crashPoint{p, step}
	if _, planned := b.crashes.planned[at]; !planned || nc.IsClosed() {
		return nc.IsClosed()
	}
	delete(b.crashes.planned, at)
	link.Close(nc)
	b.crashes.started.Go(func() {
		if err := another(); err != nil && b.tb.Context().Err() == nil {
			b.tb.Errorf("hosttest: starting a host after a crash: %v", err)
		}
	})
	return true
}
