package actorhost

import (
	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/call"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/wire"
)

// receiveBatch takes a batch of calls, each as if it had arrived alone by the route. It reports whether msg was a
// batch. An empty batch asks whether this host takes batches. The answer is its subject as it has arrived: servers that map
// that would not map the subjects in a batch.
func (d *dispatcher) receiveBatch(msg *wire.Message) bool {
	if request, _ := d.ns.HostRequest(msg.Subject); request != "batch" {
		return false
	}
	if len(msg.Data) == 0 {
		d.out.Answer(msg.Reply, []byte(msg.Subject))
		return true
	}
	calls, err := wire.ParseBatch(d.batch, msg.Data)
	if err != nil {
		batch := call.Of(msg)
		d.out.Refuse(&batch, errs.New(troupe.CodeBadInput, "%v", err))
		return true
	}
	d.batch = calls
	defer clear(calls)
	ready, now := make([]*activation, 0, len(calls)), d.clock.Now()
	for i := range calls {
		one := &calls[i]
		target, ok := d.ns.ParseCall(one.Subject)
		if !d.out.Answerable(one.Subject, one.Reply) {
			continue
		}
		if !ok || target.Forwarded { // a batch must not reach what only hosts may request
			err := errs.New(troupe.CodeBadInput, "a batch has %q, which is not a call of an actor", one.Subject)
			refused := call.Of(one)
			d.out.Refuse(&refused, err)
			continue
		}
		target.Direct = false // no other host hears it
		if a := d.receiveCall(one, target, now); a != nil {
			ready = append(ready, a)
		}
	}
	d.ready.Add(ready...)
	return true
}
