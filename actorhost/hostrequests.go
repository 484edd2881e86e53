package actorhost

import (
	"context"
	"log/slog"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/call"
	"github.com/troupe-go/troupe/actorhost/internal/outlet"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/wire"
)

// serveHostRequest answers requests to the host itself, most of them from operators. It reports whether msg is one.
func (h *Host) serveHostRequest(msg *wire.Message) bool {
	switch request, tokens := h.ns.HostRequest(msg.Subject); request {
	case "ping": // answered on the other connection: see [presence.Session]
	case "info":
		h.answerValue(msg, h.info())
	case "actor":
		h.answerValue(msg, h.roster.info(tokens))
	case "store":
		h.presence.HeardStore(msg, h.out.Answerable(msg.Subject, msg.Reply), h.displace)
	case "figures":
		h.answerValue(msg, h.figures())
	case "recent":
		h.answerValue(msg, h.recent.All())
	case "awake":
		h.answerAwake(msg)
	case "stack":
		h.answerStack(msg, tokens)
	case "neighbours":
		h.answerValue(msg, h.neighbours.Of(tokens, mostNeighbours, h.clock.Time))
	case "type":
		h.answerValue(msg, h.typeInfo(tokens))
	case "contract":
		h.answerValue(msg, h.contractOf(tokens))
	case "takes":
		h.roster.answerTakes(msg, tokens)
	case "stream":
		h.streams.Heard(msg)
	case "drain":
		h.out.Answer(msg.Reply, nil)
		h.drain()
	default:
		return false
	}
	return true
}

// mostNeighbours is how many lines about the calls of an actor an answer has.
const mostNeighbours = 200

func (h *Host) answerValue(msg *wire.Message, value any) {
	c := call.Of(msg)
	as, err := c.Encoding()
	if err != nil {
		h.out.Refuse(&c, errs.New(troupe.CodeBadInput, "%v", err))
		return
	}
	c.As = as
	data, err := as.Append(nil, value)
	if err != nil {
		h.out.Refuse(&c, errs.New(troupe.CodeInternal, "%v", err))
		return
	}
	if msg := outlet.Reply(&c, data); msg.Subject != "" {
		h.out.Send(msg.NATS(nil))
	}
}

func (h *Host) typeInfo(actorType string) wire.TypeInfo {
	if t := h.types[actorType]; t != nil {
		return t.typeInfo()
	}
	return wire.TypeInfo{}
}

func (h *Host) info() wire.HostInfo {
	h.mu.Lock()
	info := wire.HostInfo{
		ID: h.ID(), Awake: len(h.active), Stopping: h.stopping, GivenUp: h.givenUp.Load(), Runs: h.flows.Load(), Stuck: h.flowsStuck.Load(),
		Loops: h.loopFailures.Load(), SetBack: h.setbacks.waiting(), Tenants: h.tenants.Info(),
	}
	h.mu.Unlock()
	if h.puller != nil {
		info.Dead = h.puller.GivenUp.Load()
	}
	info.Types, info.Oldest = h.roster.awakeByType(), h.roster.oldest()
	info.Errors, info.Own = make(map[string]int64), make(map[string]int64) // to be filled
	for _, c := range h.roster.counters() {
		if c.Kind == wire.TurnAction || c.Kind == wire.TurnQueue {
			info.Calls += c.Calls.Load()
			info.Failed += c.Failed.Load()
			c.AddErrors(info.Errors, info.Own)
		}
	}
	return info
}

// displace starts to stop the host, which must not serve any more.
func (h *Host) displace(why error) {
	if !h.displaced.CompareAndSwap(nil, &why) {
		return
	}
	h.config.Logger.Error("the host must not serve: it stops", slog.String("host", h.ID()), slog.Any("error", why))
	go h.stopOnRequest()
}

// drain starts to stop the host.
func (h *Host) drain() {
	if !h.draining.CompareAndSwap(false, true) {
		return
	}
	h.config.Logger.Info("the host was asked to drain", slog.String("host", h.ID()))
	go h.stopOnRequest()
}

// stopOnRequest stops the host within config.Grace, once it has started. It returns when the host has stopped.
func (h *Host) stopOnRequest() {
	select {
	case <-h.started:
	case <-h.ctx.Done(): // it will not start
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), h.config.Grace)
	defer cancel()
	_ = h.Stop(ctx) // a later call of Stop returns the same error
}

// figures are those since the start of the host.
func (h *Host) figures() wire.HostFigures {
	f := wire.HostFigures{
		ID: h.ID(), Started: h.clock.Time(0).UnixMilli(), Turns: []wire.TurnFigures{}, Types: h.roster.awakeByType(),
		Mailbox: h.mailboxes.Bytes(), Waiting: h.mailboxes.Items(), Largest: h.roster.largestByType(),
		Stored: h.stored.Spread(), Woken: make(map[string]wire.Spread), Oldest: h.roster.oldest(),
		Repeated: h.repeated.Load(), Dropped: h.client.Dropped(), Lost: h.presence.Lost(), Conflicts: h.conflicts.Load(),
	}
	for why := range wakings {
		f.Woken[why.String()] = h.woken[why].Spread()
	}
	for _, c := range h.roster.counters() {
		f.Turns = append(f.Turns, c.Figures())
	}
	return f
}

func (h *Host) answerAwake(msg *wire.Message) {
	var q wire.AwakeQuery
	c := call.Of(msg)
	as, err := c.Encoding()
	if err == nil && len(msg.Data) > 0 {
		err = as.Unmarshal(msg.Data, &q)
	}
	if _, ok := wire.ParseCursor(q.Next); err == nil && q.Next != "" && !ok {
		err = errs.New(troupe.CodeBadInput, "%.100q is no place to go on from", q.Next)
	}
	if err != nil {
		h.out.Refuse(&c, errs.New(troupe.CodeBadInput, "%v", err))
		return
	}
	h.answerValue(msg, h.roster.listAwake(q))
}

// errTooManyGoroutines refuses a question that would hold the program up.
var errTooManyGoroutines = errs.New(troupe.CodeOverloaded,
	"the program has too many goroutines to read the stack of one: use net/http/pprof")

// answerStack does not keep the inbox waiting.
func (h *Host) answerStack(msg *wire.Message, tokens string) {
	asked := *msg
	h.goroutines.Go(func() {
		if stack, ok := h.roster.stack(tokens); ok {
			h.answerValue(&asked, stack)
			return
		}
		c := call.Of(&asked)
		h.out.Refuse(&c, errTooManyGoroutines)
	})
}
