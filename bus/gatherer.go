package bus

import (
	"maps"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/nats-io/nats.go"
)

// Gatherer sends messages, and those to one receiver that are there at the same moment as one: a batch, see
// [ParseBatch]. What is there alone is sent as it is. Nothing waits for a time to pass, only for the goroutines that are
// ready to run. It is safe for concurrent use, and keeps the order of all that one goroutine gives it.
type Gatherer struct {
	GathererOptions
	nc *nats.Conn

	waiting atomic.Int64 // messages

	mu      sync.Mutex
	batches map[string]*batch // by receiver
	queue   []*batch          // of those, which have something, in the order in which they got it
	last    uint64            // number of a batch
	sending bool              // a goroutine is about to send
}

// GathererOptions say how batches are sent.
type GathererOptions struct {
	// Subject is where a receiver gets its batches.
	Subject func(to string) string
	// Short is whether all single messages to a receiver have subjects that begin with its name, and in a batch have not.
	Short bool
	// Inbox is the beginning of reply subjects; the number of the batch follows, in base 36. It may be empty.
	Inbox string
	// Failed is told that a batch, or a message, that waited has not been sent. It must not use the Gatherer.
	Failed func(to string, number uint64, err error)
}

// batch is what one receiver is to get.
type batch struct {
	to     string
	number uint64
	count  int
	limit  int // of its size
	body   []byte
	lone   nats.Msg // the first message, but for its body,
	at     int      // which begins here
}

// Limits of batches: their size, that of a message in one, the memory that is kept for the next, and for how many
// receivers.
const maxGatheredSize, maxGathered, keepGathered, maxReceivers = 32 << 10, 8 << 10, 64 << 10, 1024

// NewGatherer returns a Gatherer for a connection. It needs no closing.
func NewGatherer(nc *nats.Conn, o GathererOptions) *Gatherer {
	return &Gatherer{GathererOptions: o, nc: nc, batches: make(map[string]*batch)}
}

// Add sends a message, or has it sent as soon as other goroutines have run that are ready to, when more says that others
// are about to add some. Body and message may be used again afterwards. Number is told that of the batch that it may go
// with, before that is sent. The error is of a message that was sent at once.
func (g *Gatherer) Add(to string, msg *nats.Msg, more bool, number *atomic.Uint64) error {
	size := msg.Size() + 64 // with all lengths
	g.mu.Lock()
	defer g.mu.Unlock()
	if size > maxGathered || !more && len(g.queue) == 0 {
		g.flush()
		return g.nc.PublishMsg(msg)
	}
	b := g.of(to)
	if b.count == maxMessages || b.count > 0 && len(b.body)+size > b.limit {
		g.flush()
	}
	if b.count == 0 {
		g.last++
		b.number, b.limit = g.last, int(min(maxGatheredSize, g.nc.MaxPayload()))
		g.queue = append(g.queue, b)
	}
	b.add(msg, g.Short)
	if number != nil {
		number.Store(b.number)
	}
	g.waiting.Add(1)
	if !more {
		g.flush()
	} else if !g.sending {
		g.sending = true
		go g.send()
	}
	return nil
}

// Flush sends what waits.
func (g *Gatherer) Flush() {
	if g.waiting.Load() == 0 {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.flush()
}

// send sends what waits, after those goroutines that are about to add something: as long as there is more each time.
func (g *Gatherer) send() {
	for before := int64(0); before < g.waiting.Load(); runtime.Gosched() {
		before = g.waiting.Load()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sending = false
	g.flush()
}

// flush sends what waits. The caller holds g.mu, which keeps all in order.
func (g *Gatherer) flush() {
	for i, b := range g.queue {
		msg := &b.lone
		if b.count > 1 {
			msg = &nats.Msg{Subject: g.Subject(b.to), Data: b.body}
			if g.Inbox != "" {
				msg.Reply = g.Inbox + strconv.FormatUint(b.number, 36)
			}
		} else {
			msg.Data = b.body[b.at:]
		}
		if err := g.nc.PublishMsg(msg); err != nil {
			g.Failed(b.to, b.number, err)
		}
		g.waiting.Add(-int64(b.count))
		b.reset()
		g.queue[i] = nil
	}
	g.queue = g.queue[:0]
}

// of is the batch of a receiver. The caller holds g.mu.
func (g *Gatherer) of(to string) *batch {
	b := g.batches[to]
	if b == nil {
		if len(g.batches) >= maxReceivers {
			maps.DeleteFunc(g.batches, func(_ string, b *batch) bool { return b.count == 0 })
		}
		b = &batch{to: strings.Clone(to)}
		g.batches[b.to] = b
	}
	return b
}

func (b *batch) add(msg *nats.Msg, short bool) {
	subject := msg.Subject
	if short {
		subject = subject[len(b.to):]
	}
	b.body = appendToBatch(b.body, b.count, subject, msg)
	if b.count++; b.count == 1 {
		b.lone = nats.Msg{Subject: msg.Subject, Reply: msg.Reply, Header: maps.Clone(msg.Header)}
		b.at = len(b.body) - len(msg.Data)
	}
}

func (b *batch) reset() {
	b.count, b.lone = 0, nats.Msg{}
	if b.body = b.body[:0]; cap(b.body) > keepGathered {
		b.body = nil
	}
}
