// Package look asks the hosts of a namespace, and its store, what there is to see: for tools that show it. It wakes no actor, makes
// no consumer and changes nothing, so that a user who may only read can use it.
package look

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/link"
	"github.com/troupe-go/troupe/internal/wire"
)

// ErrSilent is the error of a host that has a lease but does not reply.
var ErrSilent = errors.New("the host does not reply")

// Looker looks at one namespace over one connection.
type Looker struct {
	nc        *nats.Conn
	namespace wire.Namespace
	timeout   time.Duration
}

// New returns a Looker that waits for each reply until the timeout.
func New(nc *nats.Conn, ns wire.Namespace, timeout time.Duration) *Looker {
	return &Looker{nc, ns, timeout}
}

// Ask sends a request to a host, and decodes the reply into into, unless that is nil. It fails at once where NATS does not allow the
// request, and with [ErrSilent] if there is no reply.
func (l *Looker) Ask(ctx context.Context, subject string, body []byte, into any) error {
	request := nats.NewMsg(subject)
	request.Data = body
	wire.SetContentType(request.Header, codec.JSON)
	ctx, wait := link.Await(ctx, l.nc, subject, l.timeout)
	answer, err := l.nc.RequestMsgWithContext(ctx, request)
	err = wait.End(err)
	switch {
	case errors.Is(err, nats.ErrNoResponders), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w: %w", ErrSilent, err)
	case err != nil:
		return err
	}
	if refused := wire.DecodeError(answer); refused != nil {
		return refused
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer.Data, into)
}

// maxAsked is how many hosts are asked at the same time.
const maxAsked = 64

// Each calls ask for each host, for up to 64 at a time.
func Each[Host any](hosts []Host, ask func(*Host)) {
	var asking sync.WaitGroup
	free := make(chan struct{}, maxAsked)
	for i := range hosts {
		free <- struct{}{}
		asking.Go(func() {
			defer func() { <-free }()
			ask(&hosts[i])
		})
	}
	asking.Wait()
}
