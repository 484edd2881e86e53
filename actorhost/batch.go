package actorhost

import (
	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/wire"
)

// receiveBatch takes calls that have travelled together, each as if it had come alone and by the route. It reports whether
// msg is that. A batch without calls asks whether this host takes any.
func (h *Host) receiveBatch(msg *nats.Msg) bool {
	if request, _ := h.ns.HostRequest(msg.Subject); request != "batch" {
		return false
	}
	if len(msg.Data) == 0 {
		h.answer(msg, nil)
		return true
	}
	calls, err := wire.ParseBatch(h.batch, msg.Data)
	if err != nil {
		h.refuse(&work{message: messageOf(msg)}, errorf(troupe.CodeBadInput, "%v", err))
		return true
	}
	h.batch = calls
	defer clear(calls)
	ready, now := make([]*activation, 0, len(calls)), h.clock.Now()
	for i := range calls {
		call := &calls[i]
		target, ok := h.ns.ParseCall(call.Subject)
		if !h.answerable(call) {
			continue
		}
		if !ok || target.Forwarded { // a batch is no way to what only hosts may ask
			err := errorf(troupe.CodeBadInput, "a batch has %q, which is no call of an actor", call.Subject)
			h.refuse(&work{message: messageOf(call)}, err)
			continue
		}
		if a := h.receiveCall(call, target, now); a != nil {
			ready = append(ready, a)
		}
	}
	h.ready.add(ready...)
	return true
}
