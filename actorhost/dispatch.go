package actorhost

import (
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/call"
	"github.com/troupe-go/troupe/internal/dedup"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/wire"
)

// dispatcher reads the host's inbox.
type dispatcher struct {
	*roster
	serveHostRequest func(*wire.Message) bool // serves a request to the host itself; reports whether msg is one
	received         wire.Message             // reused for each message
	batch            []wire.Message           // reused for the calls of each batch
	lookups          chan struct{}            // one element for each position being looked up
}

// run passes each message that the host receives to its actor, until quit is closed. It never blocks.
func (d *dispatcher) run(quit <-chan struct{}) {
	for {
		select {
		case msg := <-d.inbox:
			if a := d.receive(msg); a != nil {
				d.ready.Add(a)
			}
		case <-quit:
			d.refuseInbox()
			return
		}
	}
}

// refuseInbox answers the messages that had arrived when the host stopped. No actor is awake, and none wakes.
func (d *dispatcher) refuseInbox() {
	for {
		select {
		case msg := <-d.inbox:
			d.receive(msg)
		default:
			return
		}
	}
}

// receive puts a call into its actor's mailbox. It returns the activation if the caller must add it to the pool.
func (d *dispatcher) receive(delivered *nats.Msg) *activation {
	d.received = wire.MessageOf(delivered)
	msg := &d.received
	target, ok := d.ns.ParseCall(msg.Subject)
	if !ok {
		d.receiveHostRequest(msg)
		return nil
	}
	if !d.out.Answerable(msg.Subject, msg.Reply) {
		return nil
	}
	if target.Forwarded && !d.confirmForwarded(msg, target.Tokens) {
		return nil
	}
	return d.receiveCall(msg, target, d.clock.Now())
}

func (d *dispatcher) receiveCall(msg *wire.Message, target wire.Target, now time.Duration) *activation {
	if target.Action == wire.CancelAction {
		d.cancel(target.Tokens, msg)
		return nil
	}
	w := &work{kind: callWork, Call: call.Of(msg)}
	w.Actor, w.Action, w.Arrived, w.Direct = target.Tokens, target.Action, now, target.Direct
	if target.Forwarded {
		w.leftBy = parseReleased(w.Get(wire.HeaderLeftBy))
	}
	if err := d.admit(w, target, now); err != nil {
		d.out.Refuse(&w.Call, err)
		return nil
	}
	if wire.IsQuestion(w.Get(wire.HeaderAttempt)) {
		d.answerQuestion(target.Tokens, &w.Call, now)
		return nil
	}
	if w.arg == nil {
		d.passOn(w, target.Tokens, d.lacksAction(target))
		return nil
	}
	if w.Action == wire.PositionAction {
		d.servePosition(w, target.Tokens)
		return nil
	}
	if w.Action == troupe.MoveAction {
		asked := *w // a copy, so that not every call escapes to the heap
		d.serveMove(&asked, target.Tokens)
		return nil
	}
	if w.Action == troupe.DeadAction {
		asked := *w // a copy, so that not every call escapes to the heap
		d.serveDead(&asked, target.Tokens)
		return nil
	}
	if looksOnly(w.Action) && !d.isActive(target.Tokens) {
		d.look(w, target.Tokens)
		return nil
	}
	return d.enqueue(target.Tokens, w)
}

func (d *dispatcher) lacksAction(target wire.Target) lack {
	actorType, _, _ := strings.Cut(target.Tokens, ".")
	return lacksAction(target.Action, errs.New(troupe.CodeUnknownAction, "the actor type %q has no action %.100q, it has %s",
		actorType, target.Action, d.types[actorType].own))
}

// cancel calls off the call with the same identity.
func (d *dispatcher) cancel(tokens string, msg *wire.Message) {
	err := d.ns.ReadHeaders(msg.Header)
	id, _ := identify(msg.Reply, msg.Header)
	switch c := call.Of(msg); {
	case err != nil:
		d.out.Refuse(&c, errs.New(troupe.CodeBadInput, "%v", err))
	case id.Number == 0:
		d.out.Refuse(&c, errs.New(troupe.CodeBadInput, "the reply subject %.100q is that of no call", msg.Reply))
	default:
		d.roster.cancel(tokens, nameOf(id))
	}
}

// identify returns what a call says of its identity, and whether its reply subject has arrived as its caller made it.
func identify(reply string, header wire.Header) (id dedup.ID, arrives bool) {
	id.RequestID, arrives = wire.Identify(reply, header)
	id.Given = header.Get(wire.HeaderRequestID)
	if account := wire.ImportedBy(reply, header); account != "" {
		id = id.Scoped(account)
	}
	return id, arrives
}

// errNotRecognised refuses a call that may have run already: nobody can tell, so it must not come again.
var errNotRecognised = errs.New(troupe.CodeOutcomeUnknown, "the call comes again and cannot be recognised: its reply "+
	"subject has no number, or was rewritten, and it has no header %s. It was not started now; whether it has run before is "+
	"not known", wire.HeaderCall)

// admit checks and completes a call as far as it can without the actor.
func (d *dispatcher) admit(w *work, target wire.Target, now time.Duration) *troupe.Error {
	if err := d.ns.ReadHeaders(w.Header); err != nil {
		return errs.New(troupe.CodeBadInput, "%v", err)
	}
	actorType, _, _ := strings.Cut(target.Tokens, ".")
	kind := d.types[actorType]
	if kind == nil {
		return errs.New(troupe.CodeUnknownType, "this host does not serve the actor type %q", actorType)
	}
	if endpoint := kind.actions[target.Action]; endpoint != nil {
		w.arg, w.Counters = endpoint, &endpoint.Counters
	}
	as, err := w.Encoding()
	if err != nil {
		return errs.New(troupe.CodeBadInput, "%v", err)
	}
	w.As = as
	w.Deadline = now + wire.ParseTimeout(w.Get(wire.HeaderTimeout))
	w.Existing = needsActor(target.Action) || w.Get(wire.HeaderExisting) == "1"
	reentrant := false
	if e, known := w.arg.(*endpoint); known {
		w.reads, w.beside, reentrant = e.readOnly, e.beside, e.reentrant
		w.Existing = w.Existing || e.existing
		if e.items == nil && w.Get(wire.HeaderCredit) != "" {
			return errs.New(troupe.CodeBadInput, "%s.%s is no stream: it is called, not read as one",
				strings.ReplaceAll(target.Tokens, ".", "/"), target.Action)
		}
	}
	w.ID, w.Arrives = identify(w.Reply, w.Header)
	attempt := w.Get(wire.HeaderAttempt)
	w.Again = attempt != "" && attempt != "1"
	switch {
	case target.Action == wire.ConnectAction: // it is made anew on each host
		w.ID = dedup.ID{}
	case target.Action == wire.DisconnectAction: // an id is for what is called: see activation.found
		w.ID.Given = ""
	case w.Again && !w.ID.Known():
		return errNotRecognised
	}
	chain := w.Get(wire.HeaderChain)
	if chain == "" {
		return nil
	}
	comesBack, refused := checkChain(chain, target.Tokens, reentrant)
	w.comesBack = comesBack
	return refused
}

// receiveHostRequest takes a message that is not a call of an actor: a batch, or a request to the host itself.
func (d *dispatcher) receiveHostRequest(msg *wire.Message) {
	if !d.out.Answerable(msg.Subject, msg.Reply) {
		return
	}
	if err := d.ns.ReadHeaders(msg.Header); err != nil {
		c := call.Of(msg)
		d.out.Refuse(&c, errs.New(troupe.CodeBadInput, "%v", err))
		return
	}
	switch {
	case d.receiveBatch(msg):
	case d.serveHostRequest(msg):
	default:
		c := call.Of(msg)
		d.out.Refuse(&c, errs.New(troupe.CodeBadInput, "the subject %q names no action of an actor", msg.Subject))
	}
}

// confirmForwarded confirms to the forwarding host that the call has arrived, and directs the reply to the caller. If
// this host is stopping and the actor already sleeps, it releases the actor to the forwarding host instead.
func (d *dispatcher) confirmForwarded(msg *wire.Message, tokens string) bool {
	if by := msg.Header.Get(wire.HeaderLeftBy); by != "" { // it comes back
		d.takeBack(tokens, parseReleased(by))
	}
	released := d.hasReleased(tokens)
	confirmation := &nats.Msg{Subject: msg.Reply}
	if released {
		confirmation.Header = nats.Header{wire.HeaderReleased: {"1"}}
	}
	if msg.Reply != "" {
		d.out.Send(confirmation)
	}
	msg.Reply = msg.Header.Get(wire.HeaderReplyTo)
	return !released && d.out.Answerable(msg.Subject, msg.Reply)
}
