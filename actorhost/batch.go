package actorhost

import (
	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/wire"
)

// receiveBatch takes calls that have travelled together, each as if it had come alone and by the route. It reports whether
// msg is that. A batch without calls asks whether this host takes any.
func (d *dispatcher) receiveBatch(msg *nats.Msg) bool {
	if request, _ := d.ns.HostRequest(msg.Subject); request != "batch" {
		return false
	}
	if len(msg.Data) == 0 {
		d.out.answer(msg, nil)
		return true
	}
	calls, err := wire.ParseBatch(d.batch, msg.Data)
	if err != nil {
		d.out.refuse(&work{message: messageOf(msg)}, errs.New(troupe.CodeBadInput, "%v", err))
		return true
	}
	d.batch = calls
	defer clear(calls)
	ready, now := make([]*activation, 0, len(calls)), d.clock.Now()
	for i := range calls {
		call := &calls[i]
		target, ok := d.ns.ParseCall(call.Subject)
		if !d.out.answerable(call) {
			continue
		}
		if !ok || target.Forwarded { // a batch is no way to what only hosts may ask
			err := errs.New(troupe.CodeBadInput, "a batch has %q, which is no call of an actor", call.Subject)
			d.out.refuse(&work{message: messageOf(call)}, err)
			continue
		}
		if a := d.receiveCall(call, target, now); a != nil {
			ready = append(ready, a)
		}
	}
	d.ready.Add(ready...)
	return true
}
