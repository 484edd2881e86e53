package gateway

import (
	"context"
	"sync"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/jsoncall"
)

// What waits for a listener who is slow. Beyond it the stream ends.
const (
	queueLength = 1024
	queueBytes  = 4 << 20
)

// arrival is an event as it came, or a gap.
type arrival struct {
	name     string
	position troupe.Position // zero: nobody can tell
	data     []byte          // JSON
	damage   string          // why there is no data
	gap      *troupe.Gap
}

func arrivalOf(name string, d troupe.Delivery) arrival {
	data, err := jsoncall.Payload(d.Decode)
	if err != nil {
		return arrival{name: name, position: d.Position, damage: err.Error()}
	}
	return arrival{name: name, position: d.Position, data: data}
}

// inbox has what has arrived for a stream, and is not written yet.
type inbox struct {
	wake chan struct{} // has room for one: something has come

	mu   sync.Mutex
	all  []arrival
	size int
	full bool // something was dropped, and all that came later
}

func newInbox() *inbox { return &inbox{wake: make(chan struct{}, 1)} }

// put never waits.
func (i *inbox) put(a arrival) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.full = i.full || len(i.all) >= queueLength || i.size+len(a.data) > queueBytes && i.size > 0; !i.full {
		i.all = append(i.all, a)
		i.size += len(a.data)
	}
	select {
	case i.wake <- struct{}{}:
	default:
	}
}

// take removes all that has come. It is full if something came after that, and was dropped.
func (i *inbox) take() (all []arrival, full bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	all, i.all, i.size = i.all, nil, 0
	return all, i.full
}

// hear is the handler of a subscription.
func (i *inbox) hear(name string) troupe.Handler {
	return func(_ context.Context, d troupe.Delivery) error {
		i.put(arrivalOf(name, d))
		return nil
	}
}

// miss is told of gaps.
func (i *inbox) miss(name string) func(context.Context, troupe.Gap) error {
	return func(_ context.Context, gap troupe.Gap) error {
		i.put(arrival{name: name, gap: &gap})
		return nil
	}
}
