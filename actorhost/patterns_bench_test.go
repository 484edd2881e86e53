package actorhost_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/internal/wire"
)

// link is an actor that calls others before it answers.
type link struct{ troupe.Ref }

func (link) ActorType() string { return "link" }

var (
	// onward goes through that many more actors.
	onward = troupe.NewAction[link, int, int]("onward")
	// gather asks that many echoes, all at once, and answers with the bytes of all their answers.
	gather = troupe.NewAction[link, int, int]("gather")
)

func links() actorhost.Definition {
	return actorhost.Define(func() struct{} { return struct{}{} },
		actorhost.On(onward, func(_ *struct{}, c *actorhost.Context, left int) (int, error) {
			if left == 0 {
				return 0, nil
			}
			return onward.Call(c, troupe.GetOrCreate[link](c, c.Key()[0], strconv.Itoa(left)), left-1)
		}),
		actorhost.On(gather, func(_ *struct{}, c *actorhost.Context, n int) (int, error) {
			return gatherFrom(n, func(i int) ([]byte, error) {
				return echoIt.Call(c, troupe.GetOrCreate[echo](c, strconv.Itoa(i)), make([]byte, 32))
			})
		}))
}

// gatherFrom asks for n answers at once and adds up their lengths.
func gatherFrom(n int, ask func(i int) ([]byte, error)) (sum int, err error) {
	answers := make([][]byte, n)
	var asking errgroup.Group
	for i := range n {
		asking.Go(func() (err error) {
			answers[i], err = ask(i)
			return err
		})
	}
	err = asking.Wait()
	for _, answer := range answers {
		sum += len(answer)
	}
	return sum, err
}

// relayPlainly does the same with requests. Like an action, what waits for others must not hold up the next request.
func relayPlainly(nc *nats.Conn) error {
	serve := func(subject string, answer func(n int) (int, error)) error {
		_, err := nc.Subscribe(subject, func(msg *nats.Msg) {
			go func() {
				n, err := strconv.Atoi(string(msg.Data))
				if err == nil {
					n, err = answer(n)
				}
				if err == nil {
					_ = msg.Respond([]byte(strconv.Itoa(n)))
				}
			}()
		})
		return err
	}
	err := serve("relay.onward.*", func(left int) (int, error) {
		if left == 0 {
			return 0, nil
		}
		_, err := nc.Request("relay.onward."+strconv.Itoa(left), []byte(strconv.Itoa(left-1)), wire.DefaultTimeout)
		return 0, err
	})
	if err != nil {
		return err
	}
	return serve("relay.gather.*", func(n int) (int, error) {
		return gatherFrom(n, func(i int) ([]byte, error) {
			msg, err := nc.Request("plain.echo."+strconv.Itoa(i)+".echo", make([]byte, 32), wire.DefaultTimeout)
			if err != nil {
				return nil, err
			}
			return msg.Data, nil
		})
	})
}

// BenchmarkPatterns compares a chain of 5 actors, each of which calls the next and waits for it, and an actor that asks
// 100 others at once and answers with what they have said, with the same made of plain requests: see BenchmarkVersus.
func BenchmarkPatterns(b *testing.B) {
	for _, transport := range transports {
		b.Run(transport.name, func(b *testing.B) {
			at := transport.start(b)
			for _, inFlight := range []int{1, 16} {
				b.Run(fmt.Sprintf("chain/inflight=%d", inFlight), func(b *testing.B) { pattern(b, at, onward, 4, 0, inFlight) })
			}
			for _, inFlight := range []int{1, 16} {
				b.Run(fmt.Sprintf("gather/inflight=%d", inFlight), func(b *testing.B) { pattern(b, at, gather, 100, 3200, inFlight) })
			}
		})
	}
}

// pattern calls an action with n, and the request of the same name, both of which must answer with what is wanted.
func pattern(b *testing.B, at stage, action troupe.Action[link, int, int], n, want, inFlight int) {
	b.Helper()
	plain := func(_ context.Context, i int) error {
		subject := fmt.Sprintf("relay.%s.%d", action.Name(), i%inFlight)
		msg, err := at.plain.Request(subject, []byte(strconv.Itoa(n)), wire.DefaultTimeout)
		if err == nil && string(msg.Data) != strconv.Itoa(want) {
			err = fmt.Errorf("answered %q", msg.Data)
		}
		return err
	}
	ours := func(_ context.Context, i int) error {
		got, err := action.Call(context.Background(), troupe.GetOrCreate[link](at.client, strconv.Itoa(i%inFlight)), n)
		if err == nil && got != want {
			err = fmt.Errorf("answered %d", got)
		}
		return err
	}
	_, err := load{Calls: 4 * inFlight, InFlight: inFlight}.run(b.Context(), ours) // wakes the actors
	require.NoError(b, err)
	versus(b, inFlight, side{at: at, call: plain}, side{at: at, call: ours})
}
