package actorhost

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/queues"
	"github.com/troupe-go/troupe/codec"
)

// Retries says how a message is tried again whose handler has failed. The zero value is the default.
type Retries struct {
	Attempts int           // after which it is a dead letter; defaults to 20
	First    time.Duration // the pause after the first attempt, which doubles with each further one; defaults to 1 s
	Most     time.Duration // the longest pause; defaults to 5 min
	// Hosts is how many hosts may end while they handle the message: then it is a dead letter. The first is not among them, nor one
	// that ends before the message is begun. Defaults to 5.
	Hosts int
}

// OnQueue handles the messages of a queue with a method of the state: see [troupe.Queue.Push]. f runs as a turn.
// troupe.QueuedOf(c) tells which message it has. Of retries, the first counts.
func OnQueue[R troupe.Reference, S, M any](
	q troupe.Queue[R, M], f func(state *S, c *Context, message M) error, retries ...Retries,
) Handler[R, S] {
	one := &queueHandler{takes: reflect.TypeFor[M](), inOrder: q.InOrder()}
	if len(retries) > 0 {
		one.retries = queues.Retries(retries[0])
	}
	h := Handler[R, S]{name: q.Name(), takes: one.takes, register: func(t *actorType) error { return addQueue(t, q.Name(), one) }}
	if f == nil {
		return h
	}
	one.run = func(s any, c *Context, in input, dst []byte) ([]byte, error) {
		var message M
		if err := decodeInto(c, in, &message); err != nil {
			return nil, err
		}
		return dst, f(s.(*S), c, message)
	}
	return h
}

// addQueue adds the handler of a queue to its type.
func addQueue(t *actorType, name string, q *queueHandler) error {
	r := &q.retries
	_, twice := t.actions[name]
	switch {
	case q.run == nil:
		return fmt.Errorf("the queue %q has no handler", name)
	case twice || t.queues[name] != nil:
		return fmt.Errorf("the queue %q is registered twice, or as an action too", name)
	case min(int64(r.Attempts), int64(r.First), int64(r.Most), int64(r.Hosts)) < 0:
		return fmt.Errorf("the retries of the queue %q must not be negative", name)
	}
	*r = queues.Retries{
		Attempts: cmp.Or(r.Attempts, queues.DefaultRetries.Attempts),
		First:    cmp.Or(r.First, queues.DefaultRetries.First),
		Most:     cmp.Or(r.Most, queues.DefaultRetries.Most),
		Hosts:    cmp.Or(r.Hosts, queues.DefaultRetries.Hosts),
	}
	if r.First > r.Most {
		return errors.New("the first pause of the queue " + name + " is longer than the longest")
	}
	if t.queues == nil {
		t.queues = make(map[string]*queueHandler, 1)
	}
	t.queues[name] = &queueHandler{run: q.run, takes: q.takes, retries: q.retries, inOrder: q.inOrder} // its counters are those of one host
	return errors.Join(troupe.CheckName("queue", name), codec.Check(q.takes))
}
