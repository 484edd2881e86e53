package actorhost

import (
	"sync"

	"github.com/troupe-go/troupe/actorhost/internal/outlet"
)

// actionRun is one run of an action. They are used again: an interceptor has the function that a turn runs escape to the heap, and
// no call is to pay for that.
type actionRun struct {
	endpoint *endpoint
	state    state // that it works on; nil: that of the turns
	action   string
	in       input
	answered bool           // somebody waits for the output
	out      *outlet.Outlet // to be answered by
	output   []byte         // a publish copies it
	do       func(*Context) error
}

var actionRuns = sync.Pool{New: func() any {
	r := &actionRun{output: make([]byte, 0, 512)}
	r.do = r.run
	return r
}}

// maxPooledOutput keeps a rare large output from staying in memory for ever.
const maxPooledOutput = 64 << 10

// end gives the run back. Nobody may use its output any more.
func (r *actionRun) end() {
	if cap(r.output) <= maxPooledOutput {
		*r = actionRun{output: r.output[:0], do: r.do}
		actionRuns.Put(r)
	}
}

func (r *actionRun) run(c *Context) error {
	works := r.state
	if works == nil {
		works = c.a.state
	}
	output, err := r.endpoint.run(works.pointer(), c, r.in, r.output[:0])
	if err != nil {
		return err
	}
	r.output = output
	if !r.answered {
		return nil
	}
	return r.out.Fits(r.action, output)
}
