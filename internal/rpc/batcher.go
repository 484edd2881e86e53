package rpc

import (
	"errors"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe/internal/wire"
)

// Batcher sends messages. Messages to one receiver that are there at the same moment travel as one, a batch: see
// [wire.ParseBatch]. A single message is sent as it is. Nothing waits for a time to pass, only for goroutines that are
// ready to run. It is safe for concurrent use, and keeps the order of all messages that one goroutine adds.
type Batcher struct {
	BatcherConfig
	nc *nats.Conn

	waiting atomic.Int64 // messages in batches
	limit   atomic.Int64 // bytes in a batch

	sending sync.Mutex       // held while sending, which may wait for the socket; locked before mu
	single  wire.NATSMessage // what is sent alone; for who holds sending

	mu        sync.Mutex
	batches   map[string]*batch // not sent yet, by receiver
	queue     []*batch          // the same, oldest first
	last      uint64            // number of the newest batch
	scheduled bool              // a goroutine is about to send
	free      []*batch
}

// BatcherConfig says how batches are sent.
type BatcherConfig struct {
	// Subject is the subject on which a receiver takes batches.
	Subject func(to string) string
	// Short says that all single messages to a receiver have subjects that begin with its name. A batch then leaves the
	// name out.
	Short bool
	// Inbox is the prefix of the reply subjects of batches; the number of the batch follows, in base 36. Empty: batches
	// have no reply subject.
	Inbox string
	// Failed is called when a batch, or a single message that waited, could not be sent. It must not use the Batcher.
	Failed func(to string, number uint64, err error)
}

// batch holds the messages that one receiver is to get.
type batch struct {
	to     string
	number uint64
	count  int
	body   []byte
}

// Limits: the bytes of a batch, the bytes of a message in one, and what is kept for reuse: the bytes of a batch and the
// number of batches.
const maxBatchSize, maxBatched, keepBatch, keepBatches = 32 << 10, 8 << 10, 64 << 10, 64

// NewBatcher returns a Batcher for a connection. It needs no closing.
func NewBatcher(nc *nats.Conn, o BatcherConfig) *Batcher {
	g := &Batcher{BatcherConfig: o, nc: nc, batches: make(map[string]*batch)}
	g.limit.Store(min(maxBatchSize, nc.MaxPayload()))
	return g
}

// Add sends a message at once. If more is true, the caller says that other messages are about to be added: the message
// then waits until the goroutines that are ready have run. Message and body may be reused when Add returns. If number
// is not nil, it is set to the number of the batch before that is sent. The error is only that of a message that was
// sent at once.
func (g *Batcher) Add(to string, msg *wire.Message, more bool, number *atomic.Uint64) error {
	size := int64(msg.Size() + 64) // with the lengths in front
	if size > maxBatched || !more && g.waiting.Load() == 0 {
		g.sending.Lock()
		defer g.sending.Unlock()
		g.flush()
		return g.nc.PublishMsg(msg.NATS(&g.single))
	}
	for !g.add(to, msg, size, more, number) {
		g.Flush()
	}
	if !more {
		g.Flush()
	}
	return nil
}

// add puts a message into the batch of its receiver. It reports whether there was room.
func (g *Batcher) add(to string, msg *wire.Message, size int64, more bool, number *atomic.Uint64) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	b := g.batches[to]
	switch {
	case b == nil:
		b = g.begin(to)
	case b.count == wire.MaxBatch || int64(len(b.body))+size > g.limit.Load():
		return false
	}
	b.add(msg, g.Short)
	g.waiting.Add(1)
	if number != nil {
		number.Store(b.number)
	}
	if more && !g.scheduled {
		g.scheduled = true
		go g.send()
	}
	return true
}

// begin starts a batch. The caller holds g.mu.
func (g *Batcher) begin(to string) *batch {
	var b *batch
	if last := len(g.free) - 1; last >= 0 {
		b, g.free = g.free[last], g.free[:last]
	} else {
		b = new(batch)
	}
	g.last++
	b.to, b.number = strings.Clone(to), g.last
	g.batches[b.to] = b
	g.queue = append(g.queue, b)
	return b
}

// send yields to the goroutines that are about to add messages, as long as each round brings more, then sends all
// batches.
func (g *Batcher) send() {
	for before := int64(0); before < g.waiting.Load(); runtime.Gosched() {
		before = g.waiting.Load()
	}
	g.mu.Lock()
	g.scheduled = false
	g.mu.Unlock()
	g.Flush()
}

// Flush sends all batches.
func (g *Batcher) Flush() {
	if g.waiting.Load() == 0 { // without the lock, which may be held for a while
		return
	}
	g.sending.Lock()
	defer g.sending.Unlock()
	g.flush()
}

// flush sends all batches. The caller holds g.sending, which keeps the messages in order.
func (g *Batcher) flush() {
	if g.waiting.Load() == 0 {
		return
	}
	g.mu.Lock()
	queue := g.queue
	g.queue = nil
	clear(g.batches)
	g.mu.Unlock()
	for _, b := range queue {
		err := g.nc.PublishMsg(g.message(b))
		if errors.Is(err, nats.ErrMaxPayload) && b.count > 1 { // of another server than the batch was made for
			err = g.sendApart(b)
		}
		if err != nil {
			g.Failed(b.to, b.number, err)
		}
		g.waiting.Add(-int64(b.count))
		b.reset()
	}
	if len(queue) == 0 {
		return
	}
	g.limit.Store(min(maxBatchSize, g.nc.MaxPayload())) // another server may have another limit
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.free) < keepBatches {
		g.free = append(g.free, queue...)
	}
}

// sendApart sends the messages of a batch one by one. It fails if none of them could be sent. The caller holds g.sending.
func (g *Batcher) sendApart(b *batch) error {
	all, err := wire.ParseBatch(nil, b.body)
	sent := false
	for i := range all {
		if g.Short {
			all[i].Subject = b.to + all[i].Subject
		}
		if err = g.nc.PublishMsg(all[i].NATS(&g.single)); err == nil {
			sent = true
		}
	}
	if sent {
		return nil
	}
	return err
}

// message makes the message for a batch: of a batch of one, that message itself.
func (g *Batcher) message(b *batch) *nats.Msg {
	if b.count == 1 {
		if single, err := wire.ParseBatch(nil, b.body); err == nil { // it always is
			if g.Short {
				single[0].Subject = b.to + single[0].Subject
			}
			return single[0].NATS(&g.single)
		}
	}
	msg := &nats.Msg{Subject: g.Subject(b.to), Data: b.body}
	if g.Inbox != "" {
		msg.Reply = g.Inbox + strconv.FormatUint(b.number, 36)
	}
	return msg
}

func (b *batch) add(msg *wire.Message, short bool) {
	subject := msg.Subject
	if short {
		subject = subject[len(b.to):]
	}
	b.body = wire.AppendToBatch(b.body, b.count, subject, msg)
	b.count++
}

func (b *batch) reset() {
	b.count = 0
	if b.body = b.body[:0]; cap(b.body) > keepBatch {
		b.body = nil
	}
}
