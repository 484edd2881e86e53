package actorhost_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/internal/wire"
)

// TestCallThatNeverStartsSaysSo has a call wait behind another until its time is over, in virtual time.
func TestCallThatNeverStartsSaysSo(t *testing.T) {
	for name, while := range map[string]time.Duration{"pending": 10 * time.Second, "before anybody asks": 80 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				hall := newDeskHall()
				b := hosttest.Start(t, hall.actors())
				ref := troupe.GetOrCreate[desk](b.Client, "a")
				_, first := signed(t, ref, -1)
				<-hall.enter
				ctx, cancel := context.WithTimeout(t.Context(), while)
				defer cancel()
				_, err := deskSign.Call(ctx, ref, 1)
				require.ErrorIs(t, err, troupe.ErrDeadlineExceeded)
				var failed *troupe.Error
				require.ErrorAs(t, err, &failed)
				require.True(t, failed.Retryable)
				hall.leave <- struct{}{}
				require.NoError(t, <-first)
				names, err := deskNames.Call(t.Context(), ref, nil)
				require.NoError(t, err)
				require.Equal(t, []int{-1}, names)
				require.Zero(t, b.Client.Resent())
			})
		})
	}
}

// TestCallThatIsTooLateToBeSentSaysSo: it may be made again, like one that was sent and never started.
func TestCallThatIsTooLateToBeSentSaysSo(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, newDeskHall().actors())
	ctx, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	_, err := deskSign.Call(ctx, troupe.GetOrCreate[desk](b.Client, "a"), 1)
	require.ErrorIs(t, err, troupe.ErrDeadlineExceeded)
	var failed *troupe.Error
	require.ErrorAs(t, err, &failed)
	require.True(t, failed.Retryable)
}

// TestCallThatRunsAsItsTimeEndsIsUnknown: only what waits can be called off.
func TestCallThatRunsAsItsTimeEndsIsUnknown(t *testing.T) {
	t.Parallel()
	goOn := make(chan struct{})
	b := hosttest.Start(t, actorhost.Define(func() deskState { return deskState{} },
		actorhost.On(deskSign, func(s *deskState, _ *actorhost.Context, n int) (troupe.None, error) {
			<-goOn
			s.Names = append(s.Names, n)
			return nil, nil
		}),
		actorhost.On(deskNames, func(s *deskState, _ *actorhost.Context, _ troupe.None) ([]int, error) { return s.Names, nil })))
	ref := troupe.GetOrCreate[desk](b.Client, "a")
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err := deskSign.Call(ctx, ref, 1)
	require.ErrorIs(t, err, troupe.ErrOutcomeUnknown)
	close(goOn)
	names, err := deskNames.Call(t.Context(), ref, nil)
	require.NoError(t, err)
	require.Equal(t, []int{1}, names)
}

// TestQuestions asks for calls without their input: one that was never sent, one that runs, one that waits, and one that
// waits when its time is over.
func TestQuestions(t *testing.T) {
	t.Parallel()
	hall, b := newDeskHall(), hosttest.Start(t)
	host, r := b.Host(hall.actors()), newRawCaller(t, b)
	r.actor = "desk.a"
	ask := func(number int, timeout string) nats.Header {
		msg := nats.NewMsg("troupe.route.desk.a.sign")
		msg.Reply = fmt.Sprintf("%s.id.%d.1", r.name, number)
		msg.Header.Set(wire.HeaderAttempt, "2?")
		msg.Header.Set(wire.HeaderTimeout, timeout)
		require.NoError(t, r.nc.PublishMsg(msg))
		reply, err := r.replies.NextMsg(10 * time.Second)
		require.NoError(t, err)
		require.Equal(t, msg.Reply, reply.Subject)
		return reply.Header
	}
	require.Equal(t, host.ID(), ask(1, "1000").Get(wire.HeaderAbsent))
	require.Zero(t, host.Active(), "a question wakes nobody")

	r.send("sign", -1, 1, 1, 1)
	<-hall.enter
	r.send("sign", 2, 2, 1, 1)
	r.send("sign", 3, 3, 1, 1)
	for number := 1; number <= 3; number++ {
		require.Equal(t, host.ID(), ask(number, "1000").Get(wire.HeaderPending))
	}
	require.Equal(t, host.ID(), ask(4, "1000").Get(wire.HeaderAbsent))
	require.Equal(t, host.ID(), ask(1, "0").Get(wire.HeaderPending), "it has started")
	require.Equal(t, host.ID(), ask(4, "0").Get(wire.HeaderAbsent))
	refused := ask(2, "0")
	require.Equal(t, "deadline_exceeded", refused.Get(wire.HeaderErrorCode))
	require.Equal(t, "1", refused.Get(wire.HeaderRetryable))

	hall.leave <- struct{}{}
	require.Equal(t, fmt.Sprintf("%s.id.1.1", r.name), r.next().Subject)
	require.Equal(t, fmt.Sprintf("%s.id.3.1", r.name), r.next().Subject)
	require.Equal(t, host.ID(), ask(1, "1000").Get(wire.HeaderAbsent), "it is answered")
	names, err := deskNames.Call(t.Context(), troupe.GetOrCreate[desk](b.Client, "a"), nil)
	require.NoError(t, err)
	require.Equal(t, []int{-1, 3}, names)
}

// TestWhatWaitsIsSentOnce has many calls of some size wait for their turn, longer than their client waits for a word.
func TestWhatWaitsIsSentOnce(t *testing.T) {
	t.Parallel()
	started, goOn := make(chan struct{}, 1), make(chan struct{})
	b := hosttest.Start(t, actorhost.Define(func() crateState { return crateState{} },
		actorhost.On(stamp, actorhost.NoIn(func(*crateState, *actorhost.Context) (int, error) {
			started <- struct{}{}
			<-goOn
			return 0, nil
		})),
		actorhost.On(put, actorhost.NoOut(func(s *crateState, _ *actorhost.Context, content []byte) error {
			s.Stamps, s.Content = s.Stamps+1, content[:10]
			return nil
		}))))
	nc := b.Connect()
	cl, err := client.New(nc, client.Config{})
	require.NoError(t, err)
	defer func() { require.NoError(t, cl.Close(context.Background())) }()
	ref := troupe.GetOrCreate[crate](cl, "a")
	var calls errgroup.Group
	calls.Go(func() error { return call(t.Context(), stamp, ref, nil) })
	<-started
	const many, size = 50, 100_000
	for range many {
		calls.Go(func() error { return call(t.Context(), put, ref, make([]byte, size)) })
	}
	time.AfterFunc(time.Second, func() { close(goOn) })
	require.NoError(t, calls.Wait())
	require.Zero(t, cl.Resent())
	require.Less(t, nc.Stats().OutBytes, uint64(many*size*11/10))
}
