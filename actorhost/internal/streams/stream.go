// Package streams sends the items of streams, as fast as their readers take them.
package streams

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/wire"
)

// What may be on its way to a reader. One that gives no credit is any NATS client: it has a larger window, and need not say what it
// has handled until that is full.
const (
	maxBytes              = 1 << 20
	plainItems, plainSize = 4096, 8 << 20
)

// One message has so many items, or bytes, at most, if its reader takes several.
const itemsTogether, bytesTogether = 256, 32 << 10

// A reader with credit hears of its stream every aliveEvery, at least. One that makes no room for stalledAfter is gone, or for
// plainPatience if it has never said what it has handled.
const aliveEvery, stalledAfter, plainPatience = 2 * time.Second, 30 * time.Second, 5 * time.Second

// Why a stream ends before its producer wants it.
var (
	ErrUnread  = errs.New(troupe.CodeCanceled, "nobody reads the stream any more")
	errStalled = errs.New(troupe.CodeCanceled, "the reader of the stream has taken nothing for %v", stalledAfter)
	errPlain   = errs.New(troupe.CodeOverloaded, "the reader has not said that it has handled any of %d items or %d MB: an empty "+
		"message to the reply subject of an item says so", plainItems, plainSize>>20)
)

// Config is what a stream needs to know.
type Config struct {
	Publish     func(*nats.Msg) error
	Name        string // what subjects about it begin with: see [wire.Namespace.Stream]
	To          string // where its items go
	ContentType string // of the items; empty: msgpack
	Credit      int    // of the reader, in items; 0: it gives none
	Cancel      context.CancelCauseFunc
}

// Stream sends the items of one stream. They wait in memory until they are sent, which is at once. One goroutine adds items, another one
// sends, and one of them or a third ends it.
type Stream struct {
	config Config
	items  uint64 // how many may be on their way
	bytes  int    // the same

	work, room chan struct{} // one element: something has come
	over       chan struct{} // closed when the last message was sent

	mu      sync.Mutex
	added   uint64 // items
	handled uint64 // items, by the reader
	size    int    // of what was added and not handled
	sizes   []span // of messages that are on their way
	waiting batch  // to be sent
	spare   batch
	acks    bool // the reader says what it has handled
	ended   bool
	last    *nats.Msg // nil: nobody reads it
}

// span is a message on its way.
type span struct {
	last  uint64 // item
	bytes int
}

// batch is items in a row.
type batch struct {
	body []byte
	ends []int // of the items
}

// New returns a stream. Run sends what it has.
func New(config Config) *Stream {
	s := &Stream{
		config: config, items: uint64(config.Credit), bytes: maxBytes, acks: config.Credit > 0, over: make(chan struct{}),
		work: make(chan struct{}, 1), room: make(chan struct{}, 1),
	}
	if !s.acks {
		s.items, s.bytes = plainItems, plainSize
	}
	return s
}

// Add adds an item, once there is room for it. The error is why there is none, or the cause of ctx.
func (s *Stream) Add(ctx context.Context, item []byte) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var stalled *time.Timer
	for !s.add(item) {
		after, why := s.patience()
		if stalled == nil {
			stalled = time.NewTimer(after)
			defer stalled.Stop()
		}
		select {
		case <-s.room:
			after, _ = s.patience()
			stalled.Reset(after)
		case <-stalled.C:
			s.config.Cancel(why)
			return why
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// patience is for how long the reader may make no room, and why the stream is over then.
func (s *Stream) patience() (time.Duration, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.acks {
		return stalledAfter, errStalled
	}
	return plainPatience, errPlain
}

func (s *Stream) add(item []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended { // and the producer goes on all the same
		return false
	}
	if ahead := s.added - s.handled; ahead >= s.items || ahead > 0 && s.size >= s.bytes {
		return false
	}
	s.added++
	s.size += len(item)
	s.waiting.body = append(s.waiting.body, item...)
	s.waiting.ends = append(s.waiting.ends, len(s.waiting.body))
	signal(s.work)
	return true
}

// Heard takes a message of the reader, or of the server, about the item with this number.
func (s *Stream) Heard(number uint64, msg *wire.Message) {
	switch {
	case msg.Header.Get("Status") != "", string(msg.Data) == wire.NoMoreItems:
		s.config.Cancel(ErrUnread)
	case len(msg.Data) == 0:
		s.hasHandled(number)
	}
}

func (s *Stream) hasHandled(number uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.acks = true
	s.handled = max(s.handled, min(number, s.added))
	for len(s.sizes) > 0 && s.sizes[0].last <= s.handled {
		s.size -= s.sizes[0].bytes
		s.sizes = s.sizes[1:]
	}
	signal(s.room)
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// End has the stream end, with an error reply if it has failed, and waits until that is sent. With silent nobody is told. Only the
// first time counts. Nothing may be added any more.
func (s *Stream) End(failed *nats.Msg, silent bool) {
	if failed == nil {
		failed = &nats.Msg{}
	}
	s.mu.Lock()
	if !s.ended && !silent {
		s.last = failed
	}
	s.ended = true
	signal(s.work)
	s.mu.Unlock()
	<-s.over
}

// Run sends until the stream has ended.
func (s *Stream) Run() {
	defer close(s.over)
	alive := time.NewTicker(aliveEvery)
	defer alive.Stop()
	for sent := uint64(0); ; {
		select {
		case <-s.work:
		case <-alive.C:
			if s.config.Credit > 0 {
				s.publish(&nats.Msg{Header: nats.Header{wire.HeaderAlive: {"1"}}}, sent+1)
			}
			continue
		}
		s.mu.Lock()
		items, ended := s.waiting, s.ended
		s.waiting = batch{s.spare.body[:0], s.spare.ends[:0]}
		s.mu.Unlock()
		sent = s.send(items, sent)
		s.spare = items
		if ended {
			s.end(sent)
			return
		}
		if len(items.ends) > 0 {
			alive.Reset(aliveEvery)
		}
	}
}

func (s *Stream) end(sent uint64) {
	if s.last == nil {
		return
	}
	if s.last.Header == nil {
		s.last.Header = make(nats.Header, 1)
	}
	s.last.Header[wire.HeaderEnd] = []string{strconv.FormatUint(sent, 10)}
	s.publish(s.last, sent+1)
}

// send sends items, the first of which follows number sent. It returns the number of the last.
func (s *Stream) send(items batch, sent uint64) uint64 {
	for from := 0; len(items.ends) > 0; {
		n := 1
		for s.together() && n < min(len(items.ends), itemsTogether) && items.ends[n]-from <= bytesTogether {
			n++
		}
		to := items.ends[n-1]
		msg := &nats.Msg{Data: items.body[from:to]}
		if s.config.ContentType != "" {
			msg.Header = nats.Header{wire.HeaderContentType: {s.config.ContentType}}
		}
		s.mu.Lock()
		s.sizes = append(s.sizes, span{sent + uint64(n), to - from})
		s.mu.Unlock()
		s.publish(msg, sent+1)
		sent += uint64(n)
		items.ends, from = items.ends[n:], to
	}
	return sent
}

// together reports whether a message may have several items: the reader must know of it, and where one ends.
func (s *Stream) together() bool { return s.config.Credit > 0 && s.config.ContentType == "" }

func (s *Stream) publish(msg *nats.Msg, number uint64) {
	msg.Subject, msg.Reply = s.config.To, wire.Item(s.config.Name, number)
	if err := s.config.Publish(msg); err != nil {
		s.config.Cancel(errs.New(troupe.CodeUnavailable, "an item of the stream could not be sent: %v", err))
	}
}
