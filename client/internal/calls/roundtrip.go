package calls

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/origin"
	"github.com/troupe-go/troupe/internal/pause"
	"github.com/troupe-go/troupe/internal/rpc"
	"github.com/troupe-go/troupe/internal/wire"
)

// The pause before a call is sent again that was refused before it started, because its actor changes hosts or its host
// has just gone. It doubles from first to last.
const firstPause, lastPause = time.Millisecond, 100 * time.Millisecond

// sendFor bounds how long a call is sent again. Hosts remember answers for longer.
const sendFor = 2 * time.Minute

// lastHope is how long the calls of a host that stops wait for another host: there may be none any more.
const lastHope = time.Second

// roundTrip is a call on its way to the actor and back.
type roundTrip struct {
	sender   *Sender
	call     Call
	origin   origin.Origin
	msg      wire.Message
	body     []byte // the buffer of msg's: NATS has copied it when a publish returns
	request  *rpc.Request
	timeout  time.Duration // of the whole call
	deadline time.Time
	lastSend time.Time // it must not be sent later
	direct   bool      // the subject is the actor's, not the route
	ways     *ways     // that were known when it was last sent
	attempts int
	pause    time.Duration // before the next attempt, if it is refused
	silence  time.Duration // before the next attempt, if nobody says anything
	patience time.Duration // before the next attempt, if it may wait somewhere
	host     string        // the id of the host that has just said that it waits there; else empty
	waitOnly bool          // the last attempt has reached nobody, earlier ones may have
	unsure   bool          // an attempt that was neither answered nor refused may run, or have run
	open     int           // how often it was sent and neither refused nor unheard
	asking   bool          // the next attempt is a question
	asked    bool          // the last one was
	closing  bool          // the last question was asked: nothing is sent any more
	weight   int64         // in the unanswered of its sender
}

var spareTrips = sync.Pool{New: func() any { return new(roundTrip) }}

// maxPooled keeps a rare large input from staying in memory for ever.
const maxPooled = 64 << 10

// end gives back what the call has. Nobody may use its reply any more.
func (t *roundTrip) end() {
	if t.request != nil {
		t.request.End()
		t.sender.unanswered.Add(-t.weight)
	}
	clear(t.msg.Header)
	if *t = (roundTrip{body: t.body[:0], msg: wire.Message{Header: t.msg.Header[:0]}}); cap(t.body) <= maxPooled {
		spareTrips.Put(t)
	}
}

// run takes the call to the actor's owner and returns the reply, which may be used until end.
func (t *roundTrip) run(ctx context.Context) (*nats.Msg, error) {
	if err := t.prepare(ctx); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, failure(&t.call, err)
	}
	now := time.Now()
	deadline, given := ctx.Deadline()
	if !given {
		deadline = now.Add(t.sender.timeout)
	}
	if given || t.sender.timeout != wire.DefaultTimeout { // which is what a host takes for granted
		t.msg.Header = t.msg.Header.With(wire.HeaderTimeout, wire.FormatTimeout(deadline.Sub(now)))
	}
	if size := int64(t.msg.Size()); size > wire.AlwaysFits-wire.ForwardRoom {
		if limit := t.sender.nc.MaxPayload() - wire.ForwardRoom; size > limit {
			return nil, tooLarge(&t.call, size, limit)
		}
	}
	var err error
	if t.request, err = t.sender.requester.Begin(t.call.ID.Tokens(), now); err != nil {
		return nil, failure(&t.call, err)
	}
	t.deadline, t.lastSend = deadline, now.Add(sendFor)
	t.weight = int64(len(t.body) + callBytes)
	t.sender.unanswered.Add(t.weight)
	t.pause, t.silence, t.timeout = firstPause, t.sender.silence(), deadline.Sub(now)
	for ; ; now = time.Now() {
		reply, err := t.try(ctx, now)
		switch {
		case err == nil && reply != nil:
			return reply, nil
		case err != nil && t.unsure:
			if errors.Is(err, context.Canceled) { // hosts know the deadline
				t.cancel()
			}
			return nil, unknown(&t.call, err)
		case err != nil:
			return nil, failure(&t.call, err)
		}
	}
}

// cancel tells the actor's host that nobody waits any more. It is lost while the actor is on its way to another host.
func (t *roundTrip) cancel() {
	_ = t.request.Tell(t.sender.ns.Call(t.call.ID, wire.CancelAction)) // else the call runs, as its caller is told
}

// prepare makes the message.
func (t *roundTrip) prepare(ctx context.Context) (err error) {
	if t.body, err = appendInput(t.body[:0], t.sender.codec, &t.call); err != nil {
		return err
	}
	id, err := givenID(ctx, &t.call)
	if err != nil {
		return err
	}
	if turn := t.origin.Turn; id == "" && turn != nil && (t.call.Action[0] != '_' || t.call.Action == troupe.CreateAction) {
		id = turn.Nest(t.call.ID.Tokens(), t.call.Action, t.body)
	}
	t.msg.Data = t.body
	t.msg.Header = withCarried(withAll(t.msg.Header, t.sender.codec, t.origin.Chain, id, &t.call), &t.call, t.origin.Turn)
	t.useDirect()
	return nil
}

// try sends the call once, or waits on. If it returns neither a reply nor an error, it must be called again.
func (t *roundTrip) try(ctx context.Context, now time.Time) (*nats.Msg, error) {
	listening := t.host != ""
	reply, err := t.sendOrWait(ctx, now)
	if err != nil {
		return nil, t.unanswered(ctx, listening, err)
	}
	if host, pending := wire.PendingAt(reply); pending {
		t.unsure, t.host = true, host
		t.growPatience()
		return nil, nil
	}
	refused := t.asked && isRefused(reply)
	if refused {
		t.ways.mute.add(t.call.ID.Type())
	}
	if refused || isAbsent(reply) {
		t.waitOnly = !t.asked // there are later attempts
		t.asking = false
		return nil, nil
	}
	t.sender.served.add(t.call.ID.Type())
	if t.attempts == 1 && wire.FirstHeader(reply.Header, wire.HeaderCall) == wire.SubjectArrives {
		t.ways.by(t.direct).add(t.call.ID.Type())
	}
	failed := wire.DecodeError(reply)
	if failed != nil && failed.Code == troupe.CodeOutcomeUnknown && !failed.Retryable {
		t.sender.ways.forget() // perhaps it was not recognised
	}
	switch {
	case failed == nil || !failed.Retryable:
		return reply, nil
	case failed.Code == troupe.CodeUnavailable:
		t.open--
		t.closing = false // there may be time for one more
	case failed.Code == troupe.CodeOutcomeUnknown:
		t.unsure = true
	case t.unsure && t.open > 1: // so much for one sending; another may run
		return nil, failed
	default:
		return reply, nil
	}
	t.asking = false
	t.useRoute()
	return nil, t.backOff(ctx, failed)
}

// unanswered decides about a call that has got an error instead of a reply. It returns nil to try again.
func (t *roundTrip) unanswered(ctx context.Context, listening bool, err error) error {
	if t.request.Unheard() {
		t.unsure = false
	}
	if errors.Is(err, nats.ErrNoResponders) && !t.asked {
		t.open--
	}
	switch {
	case errors.Is(err, nats.ErrNoResponders) && t.direct: // asleep: at once to those who can wake it
		t.attempts--
		t.useRoute()
		return nil
	case errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil && time.Now().Before(t.deadline):
		t.unsure = true
		t.asking = !t.ways.mute.has(t.call.ID.Type())
		if listening {
			t.useDirect()
		} else if t.silence = max(t.silence, min(t.silence+firstSilence, lastSilence)); t.attempts > 1 {
			t.useRoute()
		}
		return nil
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), errors.Is(err, rpc.ErrAbandoned):
		t.unsure = true
		return cmp.Or(ctx.Err(), err)
	case errors.Is(err, troupe.ErrDenied):
		return err
	case errors.Is(err, nats.ErrNoResponders) && (t.unsure && t.sender.served.has(t.call.ID.Type()) ||
		!t.unsure && t.sender.isServed(ctx, t.call.ID.Type())): // for now
		err = fmt.Errorf("no host of its type is up: %w", err)
		if t.origin.Host.LeavingFor(lastHope) {
			return &gaveUpError{errLeft, err}
		}
		return t.backOff(ctx, err)
	case errors.Is(err, nats.ErrNoResponders) && t.unsure: // so much for one sending: the others may have arrived
		t.waitOnly = true
		t.growPatience()
		return nil
	case t.unsure && !errors.Is(err, nats.ErrConnectionClosed): // disconnected, for now
		return t.backOff(ctx, err)
	}
	return err
}

// sendOrWait sends the call, or asks for it, unless it is better to wait for an answer to what was sent, and waits for a
// while.
func (t *roundTrip) sendOrWait(ctx context.Context, now time.Time) (*nats.Msg, error) {
	left := t.deadline.Sub(now)
	switch {
	case t.closing:
		t.host, t.waitOnly = "", false
		return t.request.Wait(ctx, t.deadline)
	case t.isLast(left):
		return t.askLast(ctx)
	case t.host != "":
		host := t.host
		t.host, t.silence = "", t.sender.silence()
		return t.waitAtHost(ctx, host, t.after(now, t.patience))
	case t.waitOnly:
		t.waitOnly = false
		return t.request.Wait(ctx, t.after(now, t.patience))
	}
	wait := t.silence
	if now.After(t.lastSend) {
		wait = left
	}
	if t.asking {
		return t.ask(ctx, wire.FormatTimeout(left), t.after(now, wait))
	}
	t.asked, t.msg.Data = false, t.body
	t.open++
	if t.attempts++; t.attempts > 1 {
		t.sender.resent.Add(1)
		t.msg.Header = t.msg.Header.With(wire.HeaderAttempt, strconv.Itoa(t.attempts))
		t.msg.Header = t.msg.Header.With(wire.HeaderTimeout, wire.FormatTimeout(left))
	}
	if t.attempts == 1 && t.give() {
		return t.request.Wait(ctx, t.after(now, wait))
	}
	t.identify()
	return t.request.Do(ctx, &t.msg, t.after(now, wait))
}

// give gives the call of an actor to another one that is awake on its host, without a way over NATS.
func (t *roundTrip) give() bool {
	host := t.origin.Host
	if host == nil || host.Take == nil || !t.direct {
		return false
	}
	t.ways = t.sender.ways.get()
	return t.request.Give(&t.msg, func(msg *wire.Message) bool { return host.Take(t.sender.requester, msg) })
}

// after is when a wait ends: after a while, or in time for the last question.
func (t *roundTrip) after(now time.Time, wait time.Duration) time.Time {
	left := t.deadline.Sub(now)
	if word := t.word(); word < left {
		left -= word
	}
	return now.Add(min(wait, left))
}

// isLast reports whether it is time for the last question.
func (t *roundTrip) isLast(left time.Duration) bool {
	return t.open > 0 && left <= t.word() && !t.ways.mute.has(t.call.ID.Type())
}

// word is how long before the end the last question is asked.
func (t *roundTrip) word() time.Duration { return lastWord(t.timeout, t.sender.silence()) }

// askLast asks where the call is most likely to wait. No time is left for it.
func (t *roundTrip) askLast(ctx context.Context) (*nats.Msg, error) {
	t.closing = true
	t.useDirect()
	reply, err := t.ask(ctx, "0", t.deadline)
	if errors.Is(err, nats.ErrNoResponders) {
		t.useRoute()
		return t.ask(ctx, "0", t.deadline)
	}
	return reply, err
}

// ask sends a question, which says how much time is left, and waits for any word.
func (t *roundTrip) ask(ctx context.Context, left string, until time.Time) (*nats.Msg, error) {
	t.attempts++
	t.asked = true
	t.msg.Header = t.msg.Header.With(wire.HeaderAttempt, wire.Question(t.attempts))
	t.msg.Header = t.msg.Header.With(wire.HeaderTimeout, left)
	t.msg.Data = nil
	return t.request.Do(ctx, &t.msg, until)
}

// waitAtHost waits for the answer of a call that waits at a host, as long as the host is there.
func (t *roundTrip) waitAtHost(ctx context.Context, host string, until time.Time) (*nats.Msg, error) {
	for {
		now := time.Now()
		left := until.Sub(now)
		reply, err := t.request.Wait(ctx, now.Add(min(left, pingEvery)))
		if left <= pingEvery || !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil || t.sender.hosts.gone(ctx, host) {
			return reply, err
		}
	}
}

// identify puts the name of the call into a header, unless its way is known to need none. Once the call may run, a name
// comes too late: if the host that has it could not recognise it, the next must not take it for a new call.
func (t *roundTrip) identify() {
	t.ways = t.sender.ways.get()
	if !t.unsure && !t.ways.by(t.direct).has(t.call.ID.Type()) {
		t.request.Name(&t.msg)
	}
}

func (t *roundTrip) growPatience() { t.patience = min(max(2*t.patience, firstSilence), lastPending) }

func (t *roundTrip) useDirect() {
	t.direct = true
	t.msg.Subject = t.sender.ns.Call(t.call.ID, t.call.Action)
}

func (t *roundTrip) useRoute() {
	t.direct = false
	t.msg.Subject = t.sender.ns.Route(t.call.ID, t.call.Action)
}

// backOff waits before the next attempt. Its error says that there is no time for one.
func (t *roundTrip) backOff(ctx context.Context, last error) error {
	wait := t.pause
	t.pause = min(2*t.pause, lastPause)
	if time.Until(t.deadline) < wait || time.Now().After(t.lastSend) {
		return &gaveUpError{context.DeadlineExceeded, last}
	}
	if !pause.For(ctx, wait) {
		return &gaveUpError{ctx.Err(), last}
	}
	return nil
}
