// Package tenants counts what the actors of each tenant take of a host, and refuses what is more than it may.
package tenants

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/errs"
)

// Limits are those of each tenant. Zero is no limit.
type Limits struct {
	Awake, Created, Connections, Waiting int
	WaitingBytes, Stored                 int64
}

// Any reports whether there is any limit.
func (l Limits) Any() bool { return l != Limits{} }

// Tenants are those that have actors awake on a host, or have created some lately. The nil Tenants has none. It is safe for
// concurrent use.
type Tenants struct {
	of     func(troupe.ID) string
	limits Limits

	mu     sync.Mutex
	byName map[string]*Tenant
	stored map[string]int64 // bytes, as counted last
	sweep  int              // when there are so many, those that have nothing are removed
}

// Tenant is one of them. The nil Tenant has no limits. Its methods say which limit is reached, as troupe.CodeOverloaded.
type Tenant struct {
	all         *Tenants
	name        string
	awake       int // guarded by all.mu
	connections atomic.Int64
	waiting     atomic.Int64
	bytes       atomic.Int64
	refused     atomic.Int64
	grown       growth

	mu      sync.Mutex
	created float64 // within the last second: it falls by Limits.Created in a second
	at      time.Time
}

// minSweep is how many tenants are kept at least.
const minSweep = 1024

// New returns the tenants of a host, nil if nothing is limited. of returns the tenant of an actor: empty for none.
func New(of func(troupe.ID) string, limits Limits) *Tenants {
	if !limits.Any() {
		return nil
	}
	return &Tenants{of: of, limits: limits, byName: make(map[string]*Tenant), sweep: minSweep}
}

// Enter returns the tenant of an actor that is about to wake, nil if it has none. It counts as awake until Leave.
func (t *Tenants) Enter(id troupe.ID) (*Tenant, *troupe.Error) {
	if t == nil {
		return nil, nil //nolint:nilnil // nil has no limits
	}
	name, err := t.nameOf(id)
	if name == "" {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	one := t.byName[name]
	if one == nil {
		t.removeIdle()
		one = &Tenant{all: t, name: name}
		one.grown.counted.Store(t.stored[name])
		t.byName[name] = one
	}
	if most := t.limits.Awake; most > 0 && one.awake >= most {
		return nil, one.refuse("%d actors awake, at most %d on a host (Tenants.Awake)", one.awake, most)
	}
	one.awake++
	return one, nil
}

// nameOf asks the program, whose panic is its own.
func (t *Tenants) nameOf(id troupe.ID) (name string, err *troupe.Error) {
	defer func() {
		if r := recover(); r != nil {
			err = errs.New(troupe.CodeInternal, "the function Tenants.Of has panicked for %s: %v", id, r)
		}
	}()
	return t.of(id), nil
}

// removeIdle removes those that have nothing, when there are many. The caller holds t.mu.
func (t *Tenants) removeIdle() {
	if len(t.byName) < t.sweep {
		return
	}
	for name, one := range t.byName {
		if one.awake == 0 && !one.hasCreated() && !one.grown.any() {
			delete(t.byName, name)
		}
	}
	t.sweep = max(2*len(t.byName), minSweep)
}

// Leave says that an actor is not awake any more.
func (t *Tenant) Leave() {
	if t == nil {
		return
	}
	t.all.mu.Lock()
	defer t.all.mu.Unlock()
	t.awake--
}

// Len is how many tenants are kept.
func (t *Tenants) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.byName)
}

// Create counts an actor that is about to come into being, with so many bytes.
func (t *Tenant) Create(bytes int64) *troupe.Error {
	if err := t.Store(bytes); err != nil {
		return err
	}
	if t == nil || t.all.limits.Created == 0 {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.age(time.Now())
	if t.created+1 > float64(t.all.limits.Created) {
		return t.refuse("created %d actors within a second (Tenants.Created)", t.all.limits.Created)
	}
	t.created++
	return nil
}

func (t *Tenant) age(now time.Time) {
	t.created = max(0, t.created-now.Sub(t.at).Seconds()*float64(t.all.limits.Created))
	t.at = now
}

func (t *Tenant) hasCreated() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.age(time.Now())
	return t.created > 0
}

// Connect counts a connection until Disconnect.
func (t *Tenant) Connect() *troupe.Error {
	if t == nil {
		return nil
	}
	if n, most := t.connections.Add(1), t.all.limits.Connections; most > 0 && n > int64(most) {
		t.connections.Add(-1)
		return t.refuse("%d connections, at most %d with the actors of a host (Tenants.Connections)", most, most)
	}
	return nil
}

// Disconnect says that a connection has ended.
func (t *Tenant) Disconnect() {
	if t != nil {
		t.connections.Add(-1)
	}
}

// Wait counts a call that waits until Began. Without room it is refused: see Full.
func (t *Tenant) Wait(size int64) (ok bool) {
	if t == nil {
		return true
	}
	l := &t.all.limits
	n, bytes := t.waiting.Add(1), t.bytes.Add(size)
	if l.Waiting > 0 && n > int64(l.Waiting) || l.WaitingBytes > 0 && bytes > l.WaitingBytes && n > 1 {
		t.Began(size)
		return false
	}
	return true
}

// Began says that a call does not wait any more.
func (t *Tenant) Began(size int64) {
	t.waiting.Add(-1)
	t.bytes.Add(-size)
}

// Full is why a call must not wait.
func (t *Tenant) Full() *troupe.Error {
	l := &t.all.limits
	if l.Waiting > 0 && t.waiting.Load() >= int64(l.Waiting) {
		return t.refuse("%d calls that wait, at most %d on a host (Tenants.Waiting)", t.waiting.Load(), l.Waiting)
	}
	return t.refuse("%d bytes in calls that wait, at most %d on a host (Tenants.WaitingBytes)", t.bytes.Load(), l.WaitingBytes)
}

func (t *Tenant) refuse(format string, args ...any) *troupe.Error {
	t.refused.Add(1)
	return errs.Overloaded("the tenant %.100q has "+format, append([]any{t.name}, args...)...)
}
