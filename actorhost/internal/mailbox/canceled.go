package mailbox

import "github.com/troupe-go/troupe/internal/queue"

// maxCanceled bounds what a Canceled knows: anybody can cancel what was never there.
const maxCanceled = 4096

// Canceled knows the items of a mailbox that nobody wants any more, by what identifies them. An item is known until it, or
// else what was in the mailbox at that time, has left it. Nothing is searched. The zero value is empty. It is not safe for
// concurrent use.
type Canceled[ID comparable] struct {
	ids   map[ID]struct{}
	order queue.FIFO[canceled[ID]] // oldest first
	left  uint64                   // how many items have left the mailbox
}

type canceled[ID comparable] struct {
	id    ID
	until uint64
}

// Add notes an item that may be one of those that wait. Beyond [maxCanceled] the oldest is forgotten.
func (c *Canceled[ID]) Add(id ID, waiting int) {
	if _, known := c.ids[id]; known || waiting == 0 {
		return
	}
	if c.order.Len() == maxCanceled {
		delete(c.ids, c.order.Pop().id)
	}
	if c.ids == nil {
		c.ids = make(map[ID]struct{})
	}
	c.ids[id] = struct{}{}
	c.order.Push(canceled[ID]{id, c.left + uint64(waiting)})
}

// Has reports whether an item that has just left the mailbox was noted. It is called for each that leaves.
func (c *Canceled[ID]) Has(id ID) bool {
	_, noted := c.ids[id]
	delete(c.ids, id)
	c.left++
	for c.order.Len() > 0 && c.order.Items()[0].until <= c.left {
		delete(c.ids, c.order.Pop().id)
	}
	return noted
}
