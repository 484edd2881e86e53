package actorhost_test

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/wire"
)

// rawCaller sends calls message by message, as often as it likes.
type rawCaller struct {
	t       *testing.T
	nc      *nats.Conn
	name    string
	actor   string
	replies *nats.Subscription
}

func newRawCaller(t *testing.T, b *hosttest.Bus) *rawCaller {
	t.Helper()
	r := &rawCaller{t: t, nc: b.Connect(), actor: "counter.a"}
	r.name = r.nc.NewInbox()
	var err error
	r.replies, err = r.nc.SubscribeSync(r.name + ".>")
	require.NoError(t, err)
	return r
}

// send sends the call of an action of the actor, counter/a by default, with the caller's number, saying which attempt it is.
func (r *rawCaller) send(action string, input any, number, floor, attempt int) {
	r.t.Helper()
	msg := nats.NewMsg("troupe.route." + r.actor + "." + action)
	msg.Reply = fmt.Sprintf("%s.id.%s.%s", r.name, strconv.FormatInt(int64(number), 36), strconv.FormatInt(int64(floor), 36))
	if attempt > 1 {
		msg.Header.Set(wire.HeaderAttempt, strconv.Itoa(attempt))
	}
	var err error
	msg.Data, err = codec.MsgPack.Append(nil, input)
	require.NoError(r.t, err)
	require.NoError(r.t, r.nc.PublishMsg(msg))
}

// putToSleep has the actor know no more than its record.
func (r *rawCaller) putToSleep(b *hosttest.Bus) {
	r.t.Helper()
	require.NoError(r.t, b.Client.Actor("counter", "a").Call(r.t.Context(), troupe.SleepAction, nil, nil))
}

// next is the next reply that is more than word of a pending call.
func (r *rawCaller) next() *nats.Msg {
	r.t.Helper()
	for {
		msg, err := r.replies.NextMsg(10 * time.Second)
		require.NoError(r.t, err)
		if _, pending := wire.PendingAt(msg); !pending {
			return msg
		}
	}
}

// answer is the next reply: a number, or an error.
func (r *rawCaller) answer() (int, error) {
	r.t.Helper()
	msg := r.next()
	if err := wire.DecodeError(msg); err != nil {
		return 0, err
	}
	var n int
	require.NoError(r.t, codec.MsgPack.Unmarshal(msg.Data, &n))
	return n, nil
}

func (r *rawCaller) requireAnswer(want int) {
	r.t.Helper()
	got, err := r.answer()
	require.NoError(r.t, err)
	require.Equal(r.t, want, got)
}

func TestCallThatComesAgainRunsOnce(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	first := b.Host(counters())
	r := newRawCaller(t, b)
	for attempt := range 100 {
		r.send("add", 5, 1, 1, attempt)
	}
	r.requireAnswer(5)
	r.send("add", 1, 2, 1, 1)
	r.send("add", 1, 2, 1, 1) // a copy that does not say that it is one
	got, err := r.answer()
	for err == nil && got == 5 { // copies of the first that came after it was answered
		got, err = r.answer()
	}
	require.NoError(t, err)
	require.Equal(t, 6, got)
	r.requireAnswer(6)

	// The answers are stored with the state: the host that takes over has them.
	b.Kill(first)
	b.Host(counters())
	r.send("add", 5, 1, 1, 101)
	r.requireAnswer(5)
	r.send("add", 1, 2, 1, 2)
	r.requireAnswer(6)
	r.send("get", nil, 3, 1, 1)
	r.requireAnswer(6)
}

func TestAnswerIsForgottenWhenItsCallerHasIt(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, counters())
	r := newRawCaller(t, b)
	for number := 1; number <= 100; number++ {
		r.send("add", 1, number, number, 1)
		r.requireAnswer(number)
	}
	require.Less(t, len(recordOf(t, b, troupe.GetOrCreate[counter](b.Client, "a")).Parts), 100, "one answer, not a hundred")

	// A copy that was long on its way is too late: it neither runs nor is answered, by what is in the record either.
	for number := 101; number <= 102; number++ {
		r.send("add", 1, 50, 50, 1)
		r.send("get", nil, number, number, 1)
		r.requireAnswer(100)
		r.putToSleep(b)
	}
}

func TestLongAnswers(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, counters())
	r := newRawCaller(t, b)
	r.send("reply", 20_000, 1, 1, 1)
	r.next()
	for range 2 {
		r.send("reply", 20_000, 1, 1, 2)
		_, err := r.answer()
		require.ErrorIs(t, err, troupe.ErrAnswerLost, "it ran, but the answer was too long")
		r.putToSleep(b)
	}

	for number := 2; number <= 40; number++ { // more than a record may have of them
		r.send("reply", 8_000, number, 1, 1)
		r.next()
	}
	for range 2 {
		for number := 2; number <= 40; number++ {
			r.send("reply", 8_000, number, 1, 2)
			require.Len(t, r.next().Data, 8_003)
		}
		r.send("get", nil, 100, 1, 1)
		r.requireAnswer(40)
		r.putToSleep(b)
	}
}

// TestCallerThatWaitsForAllItsAnswers never says that it has one: all are remembered, but not in the record.
func TestCallerThatWaitsForAllItsAnswers(t *testing.T) {
	t.Parallel()
	const calls, atATime = 5000, 100
	b := hosttest.Start(t, counters())
	r := newRawCaller(t, b)
	for number := 1; number <= calls; number++ {
		r.send("add", 1, number, 1, 1)
		if number%atATime == 0 {
			for i := range atATime {
				r.requireAnswer(number - atATime + i + 1)
			}
		}
	}
	for range 2 { // as the host remembers it, and as the record and the archive do
		for _, number := range []int{1, 104, calls / 2, calls} {
			r.send("add", 1, number, 1, 2)
			r.requireAnswer(number)
		}
		r.putToSleep(b)
	}
	require.Less(t, len(recordOf(t, b, troupe.GetOrCreate[counter](b.Client, "a")).Parts), record.AnswersRoom)
}

func TestManyCallersAreAllRemembered(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, counters())
	r := newRawCaller(t, b)
	name := r.name
	const callers = 2000
	for i := range callers {
		r.name = name + "." + strconv.Itoa(i)
		r.send("add", 1, 1, 1, 1)
		r.requireAnswer(i + 1)
	}
	r.putToSleep(b) // the record knows it too
	for i := range callers {
		r.name = name + "." + strconv.Itoa(i)
		r.send("add", 1, 1, 1, 2)
		r.requireAnswer(i + 1)
	}
	r.send("get", nil, 2, 1, 1)
	r.requireAnswer(callers)
}

func TestGivenRequestID(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	host := b.Host(counters())
	a := troupe.GetOrCreate[counter](b.Client, "a")
	for range 3 {
		got, err := add.Call(troupe.WithRequestID(t.Context(), "order-1"), a, 5)
		require.NoError(t, err)
		require.Equal(t, 5, got)
	}
	require.ErrorIs(t, call(troupe.WithRequestID(t.Context(), "order-1"), add, a, 6), troupe.ErrRequestReused)
	require.ErrorIs(t, call(troupe.WithRequestID(t.Context(), "order-1"), reply, a, 5), troupe.ErrRequestReused)
	got, err := add.Call(troupe.WithRequestID(t.Context(), "order-2"), a, 5)
	require.NoError(t, err)
	require.Equal(t, 10, got)

	b.Kill(host)
	host = b.Host(counters())
	got, err = add.Call(troupe.WithRequestID(t.Context(), "order-1"), troupe.GetOrCreate[counter](b.NewClient(client.Config{}), "a"), 5)
	require.NoError(t, err)
	require.Equal(t, 5, got, "another program, another host: the first answer")

	// An action that fails has changed nothing, and may go better the next time.
	require.ErrorIs(t, call(troupe.WithRequestID(t.Context(), "order-3"), fail, a, "user"), errRefused)
	require.NoError(t, call(troupe.WithRequestID(t.Context(), "order-3"), add, a, 1))

	for i := range 500 {
		require.NoError(t, call(troupe.WithRequestID(t.Context(), fmt.Sprint("later-", i)), add, a, 1))
	}
	b.Stop(host)
	b.Host(counters())
	got, err = add.Call(troupe.WithRequestID(t.Context(), "order-2"), a, 5)
	require.NoError(t, err)
	require.Equal(t, 10, got, "however many there were since")
	require.ErrorIs(t, call(troupe.WithRequestID(t.Context(), "order-2"), add, a, 6), troupe.ErrRequestReused)
	got, err = get.Call(t.Context(), a, nil)
	require.NoError(t, err)
	require.Equal(t, 511, got)
}

func TestCreateOnceForEachRequestID(t *testing.T) {
	t.Parallel()
	for actorType, kind := range map[string]actorhost.Definition{"counter": counters(), "room": rooms(new(diary))} {
		t.Run(actorType, func(t *testing.T) {
			t.Parallel()
			b := hosttest.Start(t)
			host := b.Host(kind)
			var input any
			if actorType == "room" { // which has an on-create hook
				input = topic{Name: "weather"}
			}
			handle := b.Client.Actor(actorType, "a")
			first := troupe.WithRequestID(t.Context(), "first")
			require.NoError(t, handle.Create(first, input))
			require.NoError(t, handle.Create(first, input))
			b.Kill(host)
			b.Host(kind)
			require.NoError(t, handle.Create(first, input))
			require.ErrorIs(t, handle.Create(t.Context(), input), troupe.ErrAlreadyExists)
		})
	}
}

func TestRequestIDIsTheSameWhenTheCallComesAgain(t *testing.T) {
	t.Parallel()
	name := troupe.NewAction[counter, troupe.None, string]("name")
	b := hosttest.Start(t, actorhost.Define(func() struct{} { return struct{}{} },
		actorhost.On(name, actorhost.NoIn(func(_ *struct{}, c *actorhost.Context) (string, error) { return c.RequestID(), nil }))))
	r := newRawCaller(t, b)
	var ids []string
	for _, number := range []int{1, 1, 2} {
		var reply *nats.Msg
		for pending := true; pending; _, pending = wire.PendingAt(reply) { // for a moment after its answer, a call still runs
			r.send("name", nil, number, 1, 2)
			var err error
			reply, err = r.replies.NextMsg(10 * time.Second)
			require.NoError(t, err)
		}
		var id string
		require.NoError(t, codec.MsgPack.Unmarshal(reply.Data, &id))
		ids = append(ids, id)
	}
	require.NotEmpty(t, ids[0])
	require.Equal(t, ids[0], ids[1])
	require.NotEqual(t, ids[0], ids[2])
	given, err := name.Call(troupe.WithRequestID(t.Context(), "order-1"), troupe.GetOrCreate[counter](b.Client, "a"), nil)
	require.NoError(t, err)
	require.Equal(t, "order-1", given)
}

// TestOwnerDiesRightAfterItWasSeen kills a host that others have just found alive: they forward calls to nobody.
func TestOwnerDiesRightAfterItWasSeen(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	first := b.Host(counters())
	a := troupe.GetOrCreate[counter](b.Client, "a")
	require.NoError(t, call(t.Context(), add, a, 1))
	b.Host(counters())
	b.Host(counters())
	route := func() {
		_, err := b.Connect().Request("troupe.route.counter.a.get", nil, 10*time.Second)
		require.NoError(t, err)
	}
	for range 10 { // one of the three hosts takes each
		route()
	}
	b.Kill(first)
	got, err := get.Call(t.Context(), a, nil)
	require.NoError(t, err)
	require.Equal(t, 1, got)
}

// TestWhoLooksOnDelaysButDoesNotLoseCalls has a program subscribe to what only actors should: NATS then tells nobody
// that an actor sleeps.
func TestWhoLooksOnDelaysButDoesNotLoseCalls(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, counters())
	nc := b.Connect()
	_, err := nc.Subscribe("troupe.call.>", func(*nats.Msg) {})
	require.NoError(t, err)
	require.NoError(t, nc.Flush())
	got, err := add.Call(t.Context(), troupe.GetOrCreate[counter](b.Client, "a"), 1)
	require.NoError(t, err)
	require.Equal(t, 1, got)
	require.NotZero(t, b.Client.Resent())
}

// TestAwayFromTheBusNothingIsSaid cuts a host's connection for a moment, in which another takes an actor over.
func TestAwayFromTheBusNothingIsSaid(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	nc := b.Connect()
	host, err := actorhost.Start(t.Context(), nc, actorhost.Config{Logger: slog.New(slog.DiscardHandler)}, counters())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, host.Stop(context.Background())) })
	a := troupe.GetOrCreate[counter](b.Client, "a")
	require.NoError(t, call(t.Context(), add, a, 1))
	b.Host(counters())
	before := host.ID()
	for i := range 20 {
		require.NoError(t, nc.ForceReconnect())
		got, err := add.Call(t.Context(), a, 1)
		require.NoError(t, err)
		require.Equal(t, i+2, got)
	}
	t.Log("the host was", before, "and is", host.ID())
}
