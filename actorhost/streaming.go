package actorhost

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nuid"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/commit"
	"github.com/troupe-go/troupe/actorhost/internal/faults"
	"github.com/troupe-go/troupe/actorhost/internal/outlet"
	"github.com/troupe-go/troupe/actorhost/internal/streams"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/origin"
	"github.com/troupe-go/troupe/internal/wire"
)

// maxStreams is how many streams an actor produces at a time.
const maxStreams = 1000

// serveStream answers a call whose turn has opened a stream, and starts that.
func (a *activation) serveStream(w *work, r *result) {
	o := &commit.Output{Call: w.Call}
	if w.Reply == "" { // it was told, and nobody reads
		a.commitTurn(r, o)
		return
	}
	s, err := a.streamOf(w)
	if err == nil && s.out == nil {
		err = a.startStream(s, w)
	}
	if err != nil {
		w.CountRefused(err)
		a.answer(w, nil, err)
		return
	}
	if w.Get(wire.HeaderInbox) != "" {
		body, _ := w.As.Append(nil, s.name) // a text can be encoded
		o.Reply = outlet.Reply(&w.Call, body)
	}
	a.commitTurn(r, o)
}

// streamOf returns the stream that a call opens. It has begun already if the call comes again, and not another with its id.
func (a *activation) streamOf(w *work) (*streaming, *troupe.Error) {
	name, inbox := nameOf(w.ID), w.Get(wire.HeaderInbox)
	to := cmp.Or(inbox, w.Reply)
	a.mu.Lock()
	defer a.mu.Unlock()
	if i := slices.IndexFunc(a.streams, func(s *streaming) bool { return s.call == name && s.to == to }); i >= 0 && name != (callName{}) {
		return a.streams[i], nil
	}
	switch {
	case inbox == "" && w.ID.Number != 0:
		return nil, errs.New(troupe.CodeBadInput, "%s.%s is a stream: it is read as one, not called", a.id, w.Action)
	case inbox != "" && wire.ImportedBy(w.Reply, w.Header) != "":
		return nil, errs.New(troupe.CodeBadInput, "%s: streams do not cross accounts: nothing that a host sends to an inbox would "+
			"arrive there", a.id)
	case len(a.streams) >= maxStreams:
		return nil, errs.Overloaded("%s produces %d streams already", a.id, maxStreams)
	}
	return &streaming{call: name, turn: turnOf(w), as: w.As, to: strings.Clone(to), name: a.host.ns.Stream(a.session.ID, nuid.Next())}, nil
}

// startStream starts a stream.
func (a *activation) startStream(s *streaming, w *work) *troupe.Error {
	ctx, cancel := context.WithCancelCause(origin.With(a.host.ctx, origin.Origin{
		Host: &a.host.origin, Chain: w.Get(wire.HeaderChain), Turn: openedBy(w.Header),
	}))
	inbox := w.Get(wire.HeaderInbox)
	config := streams.Config{Publish: a.host.nc.PublishMsg, Name: s.name, To: s.to, Cancel: cancel}
	if w.As != codec.MsgPack {
		config.ContentType = w.As.ContentType()
	}
	if inbox != "" {
		config.Credit, _ = strconv.Atoi(cmp.Or(w.Get(wire.HeaderCredit), "1")) // which was checked
	}
	s.out, s.cancel = streams.New(config), cancel
	s.beside = &beside{
		a: a, ctx: ctx, cancel: func() { cancel(errStreamSuspended) }, waiting: make(chan struct{}, maxInside), over: make(chan struct{}),
	}
	if err := a.roomForStream(s); err != nil {
		cancel(nil)
		return err
	}
	a.mu.Lock()
	a.streams = append(a.streams, s)
	a.mu.Unlock()
	if faults.Fencing && a.session.Lapsed() { // before anybody could see that something runs here
		cancel(errStreamLapsed)
	}
	a.host.goroutines.Go(s.out.Run)
	run, in := a.kind.streams[w.Action], input{body: bytes.Clone(w.Data), as: w.As}
	a.host.goroutines.Go(func() { s.run(func() error { return run(s, in) }) })
	return nil
}

// roomForStream counts a stream, which costs what a connection does.
func (a *activation) roomForStream(s *streaming) *troupe.Error {
	if err := a.connections.tenant.Connect(); err != nil {
		return err
	}
	if err := a.host.streams.Add(s.out); err != nil {
		a.connections.tenant.Disconnect()
		return err
	}
	return nil
}

var (
	errStreamSuspended = errs.Unavailable("the actor falls asleep or changes hosts")
	errStreamLapsed    = errs.Unavailable("the host has lost its lease")
	errStreamDestroyed = errs.New(troupe.CodeNotFound, "the actor was destroyed")
)

// run produces, and ends the stream.
func (s *streaming) run(produce func() error) {
	err := errGoexit
	defer func() { s.end(err) }()
	err = protect(produce)
}

// end ends a stream whose producer has ended.
func (s *streaming) end(err error) {
	s.tellReader(err)
	s.a.host.streams.Remove(s.out)
	s.a.connections.tenant.Disconnect()
	s.cancel(nil)
	a := s.a
	a.mu.Lock()
	a.streams = slices.DeleteFunc(a.streams, func(one *streaming) bool { return one == s })
	a.used = true // it sleeps as long after that as after a call
	a.mu.Unlock()
	close(s.over)
}

// tellReader tells the reader that nothing more comes, unless it was told before, and why: err, if the stream was not ended for another
// reason.
func (s *streaming) tellReader(err error) {
	var last *nats.Msg
	cause := context.Cause(s.ctx)
	if err = cmp.Or(cause, err); err != nil {
		last, _ = wire.EncodeError(s.readerError(err), s.as, s.a.host.nc.MaxPayload())
	}
	s.out.End(last, cause == error(streams.ErrUnread)) //nolint:errorlint // there are others with its code, whose readers are told
}

// readerError is what the reader is told of an error.
func (s *streaming) readerError(err error) *troupe.Error {
	var known *troupe.Error
	panicked := protect(func() error { known = errs.Find(err); return nil }) // methods of the error run
	switch {
	case panicked != nil:
		err = panicked
	case known != nil && troupe.CheckName("error code", string(known.Code)) == nil:
		crossing := *known
		crossing.Retryable, crossing.Err = false, nil
		return &crossing
	}
	return errs.As(s.a.internalError(nil, s.turn, err))
}

// endStreams has all streams end, and waits for that, but not for long. The readers of those that go on are told.
func (a *activation) endStreams(why error) {
	a.mu.Lock()
	all := slices.Clone(a.streams)
	a.mu.Unlock()
	if len(all) == 0 {
		return
	}
	for _, s := range all {
		s.cancel(why)
	}
	grace, cancel := context.WithTimeout(context.Background(), besideGrace)
	defer cancel()
	logged := false
	for _, s := range all {
		select {
		case <-s.over:
			continue
		case <-grace.Done():
		}
		s.tellReader(nil)
		if !logged {
			logged = true
			s.logGoesOn()
		}
	}
}

// openedBy are the headers of the call that has opened a stream, which the calls of that carry on. They have no identity.
type openedBy wire.Header

var _ origin.Turn = openedBy(nil)

// Nest implements origin.Turn.
func (openedBy) Nest(string, string, []byte) string { return "" }

// GetCarried implements origin.Turn.
func (h openedBy) GetCarried(name string) string { return wire.Header(h).GetCarried(name) }
