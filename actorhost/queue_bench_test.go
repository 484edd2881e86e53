package actorhost_test

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/codec"
)

// tally is an actor that counts the messages of its queue.
type tally struct{ troupe.Ref }

func (tally) ActorType() string { return "tally" }

var countIt = troupe.NewQueue[tally, tallied]("count")

type tallied struct {
	Payload []byte
	Stuck   bool // handling it does not end
}

type tallyState struct{ Count int }

// tallies count what they have handled, in this process.
func tallies(handled *atomic.Int64, release <-chan struct{}) actorhost.ActorType[tally, tallyState] {
	return actorhost.Define(func() tallyState { return tallyState{} },
		actorhost.OnQueue(countIt, func(s *tallyState, _ *actorhost.Context, m tallied) error {
			if m.Stuck {
				<-release
				return nil
			}
			s.Count++
			handled.Add(1)
			return nil
		})).Config(actorhost.TypeConfig{ActionTimeout: 5 * time.Second})
}

// queueBench has a work queue of JetStream, and queues of actors, of as many messages.
type queueBench struct {
	b       *testing.B
	js      jetstream.JetStream
	payload []byte
	handled atomic.Int64
}

const queueActors, queueMessages = 1000, 10_000

// BenchmarkQueue has messages for 1,000 actors handled, against as many that a consumer that programs share delivers and that are acked
// at once: in turns, from when the server begins to deliver to when the stream is empty. Then it has one actor more that never comes
// to an end with its first message, and 10,000 that wait for it.
func BenchmarkQueue(b *testing.B) {
	server, err := bus.StartServer(bus.ServerConfig{DataDir: b.TempDir(), InProcessOnly: true})
	require.NoError(b, err)
	b.Cleanup(server.Shutdown)
	nc, err := server.Connect(bus.Config{})
	require.NoError(b, err)
	b.Cleanup(nc.Close)
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(1000))
	require.NoError(b, err)
	q := &queueBench{b: b, js: js}
	q.payload, err = codec.MsgPack.Append(nil, tallied{Payload: make([]byte, 200)})
	require.NoError(b, err)
	release := make(chan struct{})
	host, err := actorhost.Start(b.Context(), nc, actorhost.Config{Logger: slog.New(slog.DiscardHandler), QueueLength: 20_000}, tallies(&q.handled, release))
	require.NoError(b, err)
	b.Cleanup(func() {
		close(release)
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		_ = host.Stop(ctx) // with what it has in hand of the stuck actor
	})
	q.consume(b)
	q.drain("troupe-queue", "queue-tally", "troupe.queue.tally.") // wakes the actors
	var toRaw, rates, toFree []float64
	for b.Loop() {
		raw, free := q.drain("plain", "shared", "plain.tally."), q.drain("troupe-queue", "queue-tally", "troupe.queue.tally.")
		toRaw, rates = append(toRaw, free/raw), append(rates, free)
	}
	q.stick()
	for _, free := range toRaw { // each to what it was without, as the machine is now
		raw, stuck := q.drain("plain", "shared", "plain.tally."), q.drain("troupe-queue", "queue-tally", "troupe.queue.tally.")
		toFree = append(toFree, stuck/raw/free)
	}
	for unit, values := range map[string][]float64{"x-raw": toRaw, "x-stuck": toFree} {
		slices.Sort(values)
		b.ReportMetric(values[len(values)/2], unit)
		b.ReportMetric(values[0], unit+"-least")
		b.ReportMetric(values[len(values)-1], unit+"-most")
	}
	slices.Sort(rates)
	b.ReportMetric(rates[len(rates)/2], "messages/s")
	b.ReportMetric(0, "ns/op")
}

// consume has a consumer of a plain stream ack whatever comes.
func (q *queueBench) consume(b *testing.B) {
	b.Helper()
	stream, err := q.js.CreateStream(b.Context(), jetstream.StreamConfig{
		Name: "plain", Subjects: []string{"plain.>"}, Retention: jetstream.WorkQueuePolicy, AllowDirect: true,
	})
	require.NoError(b, err)
	consumer, err := stream.CreateConsumer(b.Context(), jetstream.ConsumerConfig{
		Durable: "shared", AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: 65_536, FilterSubjects: []string{"plain.tally.>"},
	})
	require.NoError(b, err)
	consuming, err := consumer.Consume(func(msg jetstream.Msg) { _ = msg.Ack() }, jetstream.PullMaxMessages(512))
	require.NoError(b, err)
	b.Cleanup(consuming.Stop)
}

// drain publishes messages while a consumer pauses, and returns how many a second leave the stream after that.
func (q *queueBench) drain(stream, consumer, subject string) float64 {
	q.b.Helper()
	ctx := q.b.Context()
	s, err := q.js.Stream(ctx, stream)
	require.NoError(q.b, err)
	_, err = s.PauseConsumer(ctx, consumer, time.Now().Add(time.Minute))
	require.NoError(q.b, err)
	q.publish(subject, queueMessages, func(i int) string { return strconv.Itoa(i % queueActors) }, q.payload)
	left := q.left(s)
	began := time.Now()
	_, err = s.ResumeConsumer(ctx, consumer)
	require.NoError(q.b, err)
	require.Eventually(q.b, func() bool { return q.left(s)+queueMessages <= left }, 2*time.Minute, 2*time.Millisecond)
	return queueMessages / time.Since(began).Seconds()
}

func (q *queueBench) left(s jetstream.Stream) uint64 {
	info, err := s.Info(q.b.Context())
	require.NoError(q.b, err)
	return info.State.Msgs
}

func (q *queueBench) publish(subject string, n int, key func(int) string, payload []byte) {
	q.b.Helper()
	for i := range n {
		_, err := q.js.PublishMsgAsync(&nats.Msg{Subject: subject + key(i) + ".count", Data: payload})
		require.NoError(q.b, err)
	}
	<-q.js.PublishAsyncComplete()
}

// stick has an actor be stuck while 10,000 messages wait for it.
func (q *queueBench) stick() {
	q.b.Helper()
	stuck, err := codec.MsgPack.Append(nil, tallied{Payload: make([]byte, 200), Stuck: true})
	require.NoError(q.b, err)
	q.publish("troupe.queue.tally.", queueMessages, func(int) string { return "stuck" }, stuck)
	s, err := q.js.Stream(q.b.Context(), "troupe-queue")
	require.NoError(q.b, err)
	require.Eventually(q.b, func() bool { return q.left(s) < 1000 }, 2*time.Minute, 10*time.Millisecond, "they wait elsewhere")
}
