package actorhost_test

import (
	"fmt"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/internal/wire"
)

// TestIdleConnectionsAreSmall connects 10,000 times with 1,000 actors, as a program in any language can, and measures what
// the host keeps for each. It is alone with its memory, so it must not be parallel.
func TestIdleConnectionsAreSmall(t *testing.T) {
	const connections, actors, most = 10_000, 1_000, 4 << 10
	b := hosttest.Start(t, lounges)
	nc := b.Connect()
	inbox := nc.NewInbox()
	sub, err := nc.Subscribe(inbox+".>", func(msg *nats.Msg) {
		if msg.Reply != "" { // a ping
			_ = msg.Respond(nil)
		}
	})
	require.NoError(t, err)
	t.Cleanup(func() { _ = sub.Unsubscribe() })
	connect := func(i int) error {
		msg := nats.NewMsg(fmt.Sprintf("troupe.route.lounge.%d._connect", i%actors))
		msg.Header.Set(wire.HeaderContentType, "application/json")
		msg.Header.Set(wire.HeaderConnection, fmt.Sprintf("c%d", i))
		msg.Header.Set(wire.HeaderInbox, inbox)
		msg.Data = []byte(`"ann"`)
		reply, err := nc.RequestMsg(msg, wire.DefaultTimeout)
		if err == nil && reply.Header.Get(wire.HeaderErrorCode) != "" {
			err = fmt.Errorf("connecting: %s", reply.Data)
		}
		return err
	}
	all := func(from, to int) {
		var calls errgroup.Group
		calls.SetLimit(64)
		for i := from; i < to; i++ {
			calls.Go(func() error { return connect(i) })
		}
		require.NoError(t, calls.Wait())
	}
	all(0, actors) // which wakes the actors
	before := heap()
	all(actors, connections+actors)
	each := (int64(heap()) - int64(before)) / connections
	t.Logf("%d bytes for each connection", each)
	require.Less(t, each, int64(most))
}
