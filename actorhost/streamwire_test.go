package actorhost_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/codec"
)

// anyReader is a NATS client that opens a stream by the protocol.
type anyReader struct {
	t   *testing.T
	nc  *nats.Conn
	sub *nats.Subscription
}

func newReader(t *testing.T, nc *nats.Conn) *anyReader {
	t.Helper()
	sub, err := nc.SubscribeSync(nc.NewInbox())
	require.NoError(t, err)
	return &anyReader{t, nc, sub}
}

// open opens a stream of JSON, with headers that have the inbox for "INBOX". Without any the items come as replies.
func (r *anyReader) open(p prompt, header nats.Header) (answer *nats.Msg) {
	body, err := json.Marshal(p)
	require.NoError(r.t, err)
	msg := &nats.Msg{Subject: "troupe.route.model.m.words", Reply: r.sub.Subject, Data: body, Header: header}
	if header.Get("Troupe-Inbox") == "" {
		require.NoError(r.t, r.nc.PublishMsg(msg))
		return nil
	}
	header.Set("Troupe-Inbox", strings.ReplaceAll(header.Get("Troupe-Inbox"), "INBOX", r.sub.Subject))
	answer, err = r.nc.RequestMsg(msg, 5*time.Second)
	require.NoError(r.t, err)
	return answer
}

func (r *anyReader) next() *nats.Msg {
	msg, err := r.sub.NextMsg(10 * time.Second)
	require.NoError(r.t, err)
	return msg
}

// number is that of an item, by the reply subject.
func number(t *testing.T, msg *nats.Msg) int {
	t.Helper()
	n, err := strconv.Atoi(msg.Reply[strings.LastIndexByte(msg.Reply, '.')+1:])
	require.NoError(t, err)
	return n
}

func TestAnyClientReadsStream(t *testing.T) {
	t.Parallel()
	b, _, ended := startModel(t)
	nc := b.Connect()
	r := newReader(t, nc)
	r.open(prompt{Words: 3}, nil)
	for i := range 3 {
		msg := r.next()
		require.Equal(t, fmt.Sprintf("%q", strconv.Itoa(i)), string(msg.Data))
		require.Equal(t, "application/json", msg.Header.Get("Content-Type"))
		require.Equal(t, i+1, number(t, msg))
	}
	last := r.next()
	require.Empty(t, last.Data)
	require.Equal(t, "3", last.Header.Get("Troupe-End"))
	require.NoError(t, <-ended)

	r.open(prompt{Words: 1, Fail: "own"}, nil)
	r.next()
	last = r.next()
	require.Equal(t, "1", last.Header.Get("Troupe-End"))
	require.Equal(t, "too_rude", last.Header.Get("Troupe-Error-Code"))
	require.JSONEq(t, `{"code":"too_rude","message":"mind your language","metadata":{"word":"darn"}}`, string(last.Data))
	require.NoError(t, <-ended)

	for _, credit := range []string{"0", "-1", "65537", "many", "1.5"} {
		answer := r.open(prompt{}, nats.Header{"Troupe-Inbox": {"INBOX"}, "Troupe-Credit": {credit}})
		require.Equal(t, "bad_input", answer.Header.Get("Troupe-Error-Code"), credit)
		require.Contains(t, string(answer.Data), "Troupe-Credit")
	}
	answer := r.open(prompt{}, nats.Header{"Troupe-Inbox": {"troupe.event.x"}})
	require.Equal(t, "bad_input", answer.Header.Get("Troupe-Error-Code"))
}

// TestPlainReaderIsNotAskedForMuch has a reader say what it has handled never, and now and then. In virtual time.
func TestPlainReaderIsNotAskedForMuch(t *testing.T) { synctest.Test(t, testPlainReader) }

func testPlainReader(t *testing.T) {
	t.Helper()
	b, _, ended := startModel(t)
	r := newReader(t, b.Connect())
	r.open(prompt{Words: 10_000}, nil)
	for range 4096 {
		require.NotEmpty(t, r.next().Data)
	}
	last := r.next()
	require.Equal(t, "overloaded", last.Header.Get("Troupe-Error-Code"))
	require.Equal(t, "4096", last.Header.Get("Troupe-End"))
	require.ErrorIs(t, <-ended, troupe.ErrOverloaded)

	r.open(prompt{Words: 10_000}, nil)
	for i := range 10_000 {
		msg := r.next()
		require.Equal(t, i+1, number(t, msg))
		if i%1000 == 999 {
			require.NoError(t, msg.Respond(nil))
		}
	}
	require.Equal(t, "10000", r.next().Header.Get("Troupe-End"))
	require.NoError(t, <-ended)
}

func TestReaderGivesCredit(t *testing.T) {
	t.Parallel()
	b, _, ended := startModel(t)
	nc := b.Connect()
	r := newReader(t, nc)
	answer := r.open(prompt{Words: 100}, nats.Header{"Troupe-Inbox": {"INBOX"}})
	var name string
	require.NoError(t, json.Unmarshal(answer.Data, &name))
	for i := range 100 {
		msg := r.next()
		require.Equal(t, name+"."+strconv.Itoa(i+1), msg.Reply)
		require.NoError(t, nc.Flush())
		pending, _, err := r.sub.Pending()
		require.NoError(t, err)
		if i < 99 { // behind the last comes the end
			require.Zero(t, pending, "one at a time")
		}
		for _, junk := range []string{".x", ".", "", ".18446744073709551615000", ".-1"} { // says nothing
			require.NoError(t, nc.Publish(name+junk, nil))
		}
		require.NoError(t, nc.Publish(msg.Reply, []byte("says nothing")))
		require.NoError(t, msg.Respond(nil))
	}
	require.Equal(t, "100", r.next().Header.Get("Troupe-End"))
	require.NoError(t, <-ended)

	// In msgpack a message has as many as there are, within the credit.
	body, err := codec.MsgPack.Append(nil, prompt{Words: 1 << 30})
	require.NoError(t, err)
	_, err = nc.RequestMsg(&nats.Msg{
		Subject: "troupe.route.model.m.words", Data: body, Header: nats.Header{"Troupe-Inbox": {r.sub.Subject}, "Troupe-Credit": {"10"}},
	}, 5*time.Second)
	require.NoError(t, err)
	count := 0
	var msg *nats.Msg
	for count < 10 {
		msg = r.next()
		require.Equal(t, count+1, number(t, msg))
		for rest := msg.Data; len(rest) > 0; count++ {
			var item []byte
			item, rest, err = codec.Cut(rest)
			require.NoError(t, err)
			var word string
			require.NoError(t, codec.MsgPack.Unmarshal(item, &word))
			require.Equal(t, strconv.Itoa(count), word)
		}
	}
	require.Equal(t, 10, count)
	require.NoError(t, msg.Respond([]byte("-")))
	require.ErrorIs(t, <-ended, troupe.ErrCanceled)
}

// TestStreamThatIsOpenedAgain has a call that opens a stream come twice.
func TestStreamThatIsOpenedAgain(t *testing.T) {
	t.Parallel()
	b, _, ended := startModel(t)
	nc := b.Connect()
	r := newReader(t, nc)
	answers, err := nc.SubscribeSync("_INBOX.me.>")
	require.NoError(t, err)
	var names [2]string
	for attempt := range names {
		require.NoError(t, nc.PublishMsg(&nats.Msg{
			Subject: "troupe.route.model.m.words", Reply: "_INBOX.me.id.1.1", Data: []byte(`{"Words":3,"Pause":100000000}`),
			Header: nats.Header{
				"Troupe-Inbox": {r.sub.Subject}, "Troupe-Credit": {"10"}, "Troupe-Attempt": {strconv.Itoa(attempt + 1)},
				"Content-Type": {"application/json"},
			},
		}))
		answer, err := answers.NextMsg(5 * time.Second)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(answer.Data, &names[attempt]))
	}
	require.Equal(t, names[0], names[1], "the same stream")
	for i := range 3 {
		require.Equal(t, i+1, number(t, r.next()))
	}
	require.NotEmpty(t, r.next().Header.Get("Troupe-End"))
	require.NoError(t, <-ended)
	state, err := Asked.Call(t.Context(), troupe.GetOrCreate[Model](b.Client, "m"), nil)
	require.NoError(t, err)
	require.Equal(t, 1, state.Asked)
}

// TestStreamNobodyReads has any client go away, or stop reading. In virtual time.
func TestStreamNobodyReads(t *testing.T) {
	for name, c := range map[string]struct {
		p      prompt
		header nats.Header
		leaves bool // else it does not say what it has handled
		within time.Duration
	}{
		"plain, leaves":    {prompt{Words: 1 << 30, Pause: time.Second}, nil, true, time.Second},
		"credit, leaves":   {prompt{Words: 1, Fail: "wait"}, nats.Header{"Troupe-Inbox": {"INBOX"}}, true, 2 * time.Second},
		"credit, is stuck": {prompt{Words: 2}, nats.Header{"Troupe-Inbox": {"INBOX"}}, false, 30 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, _, ended := startModel(t)
				r := newReader(t, b.Connect())
				r.open(c.p, c.header)
				require.NotEmpty(t, r.next().Data)
				began := time.Now()
				if c.leaves {
					require.NoError(t, r.sub.Unsubscribe())
				}
				require.ErrorIs(t, <-ended, troupe.ErrCanceled)
				require.InDelta(t, c.within, time.Since(began), float64(10*time.Millisecond))
			})
		})
	}
}

// TestReaderHearsOfItsStream: in virtual time.
func TestReaderHearsOfItsStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _, _ := startModel(t)
		r := newReader(t, b.Connect())
		r.open(prompt{Words: 1, Pause: 11 * time.Second}, nats.Header{"Troupe-Inbox": {"INBOX"}})
		for range 5 {
			msg := r.next()
			require.Equal(t, "1", msg.Header.Get("Troupe-Alive"))
			require.Equal(t, 1, number(t, msg))
			require.Empty(t, msg.Data)
		}
		require.NotEmpty(t, r.next().Data)
	})
}

// TestActionIsReadAsNoStream reads actions as streams, one of which answers with a text, as the opening of a stream does.
func TestActionIsReadAsNoStream(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	m := troupe.GetOrCreate[Model](b.Client, "m")
	var ran atomic.Int64
	titled := troupe.NewAction[Model, troupe.None, string]("titled")
	b.Host(actorhost.Define(func() modelState { return modelState{} },
		actorhost.On(Asked, actorhost.NoIn(func(m *modelState, _ *actorhost.Context) (modelState, error) { ran.Add(1); return *m, nil })),
		actorhost.On(titled, actorhost.NoIn(func(*modelState, *actorhost.Context) (string, error) {
			ran.Add(1)
			return "troupe.host.x.stream.y", nil
		}))))
	for _, action := range []string{"asked", "titled"} {
		read := 0
		for _, err := range troupe.NewStream[Model, troupe.None, string](action).Call(t.Context(), m, nil) {
			require.ErrorIs(t, err, troupe.ErrBadInput, action)
			require.ErrorContains(t, err, "model/m."+action+" is no stream")
			read++
		}
		require.Equal(t, 1, read)
	}
	require.Zero(t, ran.Load())
}
