package calls

import (
	"bytes"
	"context"
	"slices"

	"github.com/troupe-go/troupe/internal/origin"
	"github.com/troupe-go/troupe/internal/wire"
)

// tell sends a call for whose answer nobody waits, by the route or with others to the host that has the actor: who sends it hears
// of nothing, so it must not go where the actor may listen no more. In a turn it leaves once that is stored.
func (s *Sender) tell(ctx context.Context, call *Call) error {
	if err := ctx.Err(); err != nil {
		return failure(call, err)
	}
	t := spareTrips.Get().(*roundTrip)
	defer t.end()
	t.sender, t.call = s, *call
	body, err := appendInput(t.body[:0], s.codec, call)
	if err != nil {
		return err
	}
	t.body = body
	msg := &t.msg
	msg.Data, msg.Subject = body, s.ns.Route(call.ID, call.Action)
	from := origin.Of(ctx)
	turn := from.Turn
	id, err := givenID(ctx, call)
	if err != nil {
		return err
	}
	stored, isStored := turn.(origin.StoredTurn)
	if id == "" && turn != nil && !isStored && !wire.Builtin(call.Action) { // it may run again
		id = turn.Nest(call.ID.Tokens(), call.Action, body)
	}
	msg.Header = withCarried(withAll(msg.Header, s.codec, "", id, call), call, turn)
	if len(body) == 1 { // which could be JSON too
		msg.Header = msg.Header.With(wire.HeaderContentType, s.codec.ContentType())
	}
	if s.timeout != wire.DefaultTimeout {
		msg.Header = msg.Header.With(wire.HeaderTimeout, wire.FormatTimeout(s.timeout))
	}
	size := int64(msg.Size())
	if limit := s.nc.MaxPayload() - wire.ForwardRoom; size > limit {
		return tooLarge(call, size, limit)
	}
	if isStored {
		to, kept := call.ID.Tokens(), *msg
		kept.Data, kept.Header = bytes.Clone(msg.Data), slices.Clone(msg.Header)
		return stored.WhenStored(int(size), func() { _ = s.sendTold(from.Host, to, &kept) }) // nobody is there to hear that it fails
	}
	if err := s.sendTold(from.Host, call.ID.Tokens(), msg); err != nil {
		return failure(call, err)
	}
	return nil
}

// sendTold sends what is told, the way that calls of the same actor go: they must not overtake it.
func (s *Sender) sendTold(by *origin.Host, to string, msg *wire.Message) error {
	if by != nil && by.Take != nil && by.Take(s.requester, msg) {
		return nil
	}
	return s.requester.Tell(to, msg)
}
