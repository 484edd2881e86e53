package actorhost

import (
	"fmt"
	"sync"
	"time"

	"github.com/troupe-go/troupe/actorhost/internal/queues"
	"github.com/troupe-go/troupe/internal/record"
)

// A step that ends the process of its host would end the next one, too: see begunRun. After five, the workflow is stuck. Steps may take
// hours, and hosts may die meanwhile for reasons of their own: only what was begun suspiciousSteps times is run alone, and for aloneFor.
const (
	suspiciousSteps = 3
	aloneFor        = 10 * time.Second
)

// begunStep is a step of which the record says that it was begun. Nil is one that cannot have ended a host before.
type begunStep struct {
	what string
	free func() // has others run beside it
}

// beginStep is called before a step is tried. The error is that it has ended too many hosts, or cannot be tried now. Callers must call
// over.
func (f *flowRun) beginStep(key string, fresh bool) (*begunStep, error) {
	if fresh {
		return nil, nil //nolint:nilnil // nil is a step
	}
	b := &begunStep{what: fmt.Sprintf(begunStepPrefix+"%s/%d/%s", f.head.Run, f.head.Goes, key), free: func() {}}
	times := 0
	f.a.gate.Read(func(p *record.Parts) { times = p.Begun().Times(b.what) })
	switch {
	case times >= queues.DefaultRetries.Hosts:
		return nil, f.stick("the step %s has ended its host %d times. Mend it, then retry the workflow", key, times)
	case !f.a.taken && times == 0:
		return nil, nil //nolint:nilnil // nil is a step
	}
	if times >= suspiciousSteps {
		select {
		case f.a.host.alone <- struct{}{}:
		case <-f.ctx.Done():
			return nil, f.stop()
		}
		free := sync.OnceFunc(func() { <-f.a.host.alone })
		timer := time.AfterFunc(aloneFor, free)
		b.free = func() { timer.Stop(); free() }
	}
	if err := f.stored(f.change(record.BeginRun{What: b.what})); err != nil {
		b.free()
		return nil, err
	}
	return b, nil
}

// atOnce is how many steps may run side by side: no more than a record may say are begun, if they may have ended a host.
func (f *flowRun) atOnce(most int, fresh bool) int {
	if f.a.taken && !fresh {
		return min(most, record.MaxBegun)
	}
	return most
}

// ended are the changes with which it has ended.
func (b *begunStep) ended() []record.Change {
	if b == nil {
		return nil
	}
	return []record.Change{record.EndRun{What: b.what}}
}

func (b *begunStep) over() {
	if b != nil {
		b.free()
	}
}
