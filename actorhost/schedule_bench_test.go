package actorhost_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/codec"
)

// metronome is an actor that strikes at times.
type metronome struct{ troupe.Ref }

func (metronome) ActorType() string { return "metronome" }

var (
	wind    = troupe.NewAction[metronome, []winding, troupe.None]("wind") // schedules strikes
	sound   = troupe.NewAction[metronome, int, troupe.None]("sound")      // takes its number
	turn    = troupe.NewAction[metronome, turning, troupe.None]("turn")   // changes the state, and what is scheduled
	sounded = troupe.NewEvent[metronome, stroke]("sounded")
)

// winding is one sound to come.
type winding struct {
	Number int
	At     time.Time
	Cron   string
	Spread time.Duration
}

// stroke is a sound that is stored.
type stroke struct {
	Number int
	Due    int64 // in milliseconds since 1970
}

// turning is what a turn is to do besides changing the state.
type turning string

const (
	only     turning = "only"
	earlier  turning = "earlier"  // schedules something for earlier than all that was
	later    turning = "later"    // moves something later
	toggle   turning = "toggle"   // schedules something, and the next time cancels it
	publicly turning = "publicly" // broadcasts an event, so that the record is written by itself
)

type metronomeState struct {
	Turns   int
	Content []byte
}

func (s *metronomeState) wind(c *actorhost.Context, all []winding) (err error) {
	for _, one := range all {
		if one.Cron != "" {
			_, err = sound.Cron(c, one.Cron, one.Number, troupe.Spread(one.Spread), troupe.Named("cron"))
		} else {
			_, err = sound.At(c, one.At, one.Number)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *metronomeState) sound(c *actorhost.Context, number int) error {
	f, _ := troupe.FiringOf(c)
	s.Turns++
	return sounded.Broadcast(c, stroke{number, f.Due.UnixMilli()})
}

// base is in how many seconds since 1970 all turnings are.
const base = 4_000_000_000

func (s *metronomeState) turn(c *actorhost.Context, what turning) (err error) {
	s.Turns++
	switch what {
	case earlier:
		_, err = sound.At(c, time.Unix(base-int64(s.Turns), 0), 0, troupe.Named("earlier"))
	case later:
		_, err = sound.At(c, time.Unix(base+int64(s.Turns), 0), 0, troupe.Named("later"))
	case toggle:
		var found bool
		if found, err = c.Unschedule("toggle"); err == nil && !found {
			_, err = sound.At(c, time.Unix(base+int64(s.Turns), 0), 0, troupe.Named("toggle"))
		}
	case publicly:
		err = sounded.Broadcast(c, stroke{})
	case only:
	}
	return err
}

func metronomes() actorhost.ActorType[metronome, metronomeState] {
	return actorhost.Define(func() metronomeState { return metronomeState{Content: make([]byte, smallState)} },
		actorhost.On(wind, actorhost.NoOut((*metronomeState).wind)),
		actorhost.On(sound, actorhost.NoOut((*metronomeState).sound)),
		actorhost.On(turn, actorhost.NoOut((*metronomeState).turn)))
}

// runMetronomes is a host of metronomes and counters at the server whose URL is its first argument. They sleep after the second.
func runMetronomes(args []string, orders map[string]func() string) (end func() error, err error) {
	return runSleepers(args, orders, func(config actorhost.TypeConfig) []actorhost.Definition {
		return []actorhost.Definition{metronomes().Config(config), counters()}
	})
}

func runMarathons(args []string, orders map[string]func() string) (end func() error, err error) {
	return runSleepers(args, orders, func(config actorhost.TypeConfig) []actorhost.Definition {
		return []actorhost.Definition{marathons().Config(config)}
	})
}

// runSleepers runs a host whose actors sleep after a time, the second argument.
func runSleepers(
	args []string, orders map[string]func() string, definitions func(actorhost.TypeConfig) []actorhost.Definition,
) (end func() error, err error) {
	ctx := context.Background()
	sleepAfter, err := time.ParseDuration(args[1])
	if err != nil {
		return nil, err
	}
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	nc, err := bus.Connect(ctx, bus.Config{URL: args[0], Name: hostName, Logger: logger})
	if err != nil {
		return nil, err
	}
	host, err := actorhost.Start(ctx, nc, actorhost.Config{Logger: logger}, definitions(actorhost.TypeConfig{SleepAfter: sleepAfter})...)
	if err != nil {
		return nil, err
	}
	orders["active"] = func() string { return fmt.Sprint(host.Active()) }
	return func() error {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
		defer cancel()
		err := host.Stop(ctx)
		nc.Close()
		return err
	}, nil
}

// strokes are what metronomes have sounded.
type strokes struct {
	mu    sync.Mutex
	times []int // by number
	late  []time.Duration
	at    []time.Time
}

// hearStrokes listens to all metronomes.
func hearStrokes(b *testing.B, nc *nats.Conn, most int) *strokes {
	b.Helper()
	s := &strokes{times: make([]int, most)}
	sub, err := nc.Subscribe("troupe.event.metronome.*.sounded", func(msg *nats.Msg) {
		now := time.Now()
		var one stroke
		if codec.MsgPack.Unmarshal(msg.Data, &one) != nil {
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.times[one.Number]++
		s.late = append(s.late, now.Sub(time.UnixMilli(one.Due)))
		s.at = append(s.at, now)
	})
	require.NoError(b, err)
	require.NoError(b, sub.SetPendingLimits(-1, -1))
	require.NoError(b, nc.Flush())
	return s
}

// await waits until so many have sounded, and then checks that each has once.
func (s *strokes) await(b *testing.B, n int, most time.Duration) {
	b.Helper()
	count := func() int { s.mu.Lock(); defer s.mu.Unlock(); return len(s.late) }
	require.Eventually(b, func() bool { return count() >= n }, most, 10*time.Millisecond, "%d strokes of %d", count(), n)
	s.mu.Lock()
	defer s.mu.Unlock()
	lost, double := 0, 0
	for _, times := range s.times[:n] {
		switch {
		case times == 0:
			lost++
		case times > 1:
			double++
		}
	}
	b.ReportMetric(float64(lost), "lost")
	b.ReportMetric(float64(double), "double")
	require.Zero(b, lost+double)
}

func key(i int) string { return strconv.Itoa(i) }

func metronomeAt(cl *client.Client, i int) metronome {
	return troupe.GetOrCreate[metronome](cl, key(i))
}

// windAll schedules for n metronomes, and has them sleep.
func windAll(b *testing.B, cl *client.Client, n int, of func(i int) []winding) {
	b.Helper()
	every(b, "wind", n, func(ctx context.Context, i int) error { return call(ctx, wind, metronomeAt(cl, i), of(i)) })
	sleepAll(b, cl, n)
}

func sleepAll(b *testing.B, cl *client.Client, n int) {
	b.Helper()
	every(b, "sleep", n, func(ctx context.Context, i int) error {
		err := cl.Actor("metronome", key(i)).Call(ctx, troupe.SleepAction, nil, nil)
		if errors.Is(err, troupe.ErrNotFound) { // it sleeps already
			return nil
		}
		return err
	})
}

// spread reports the median, the 99th of 100 and the extremes of some durations, in milliseconds.
func spread(b *testing.B, what string, all []time.Duration) {
	b.Helper()
	slices.Sort(all)
	ms := func(i int) float64 { return float64(all[i].Microseconds()) / 1000 }
	b.ReportMetric(ms(len(all)/2), what+"-p50-ms")
	b.ReportMetric(ms(len(all)*99/100), what+"-p99-ms")
	b.ReportMetric(ms(len(all)-1), what+"-max-ms")
	b.ReportMetric(ms(0), what+"-min-ms")
}

// perSecond is how many strikes a second BenchmarkOnTime has.
const perSecond = 100

// BenchmarkOnTime has metronomes sound 100 times a second, each of which is asleep until then, or all of which are awake, and reports
// how long after it was due a sound is stored and heard of, in milliseconds; how many strikes were early; by how much Sleep of
// 10 ms overshoots in this process meanwhile; and how late messages are that JetStream schedules for the same times by itself.
// TROUPE_BENCH_ACTORS is fifty times the number of strikes.
func BenchmarkOnTime(b *testing.B) {
	b.Run("asleep", func(b *testing.B) { onTime(b, "1s", func(i int) int { return i }) })
	b.Run("awake", func(b *testing.B) { onTime(b, "24h", func(i int) int { return i % perSecond }) })
}

func onTime(b *testing.B, sleepAfter string, metronomeOf func(i int) int) {
	b.Helper()
	n := max(numberOfActors(b)/50, 20)
	var late, overshoot, raw []time.Duration
	early := 0
	for b.Loop() {
		server := startServer(b)
		host := startProcess(b, "metronomes", server.url, sleepAfter)
		cl, nc := clientOf(b, server.url)
		heard := hearStrokes(b, nc, n)
		began := time.Now().Add(4*time.Second + time.Duration(n)*time.Millisecond)
		due := func(i int) time.Time { return began.Add(time.Duration(i) * time.Second / perSecond) }
		of := map[int][]winding{}
		for i := range n {
			of[metronomeOf(i)] = append(of[metronomeOf(i)], winding{Number: i, At: due(i)})
		}
		if sleepAfter == "24h" {
			every(b, "wind", len(of), func(ctx context.Context, i int) error { return call(ctx, wind, metronomeAt(cl, i), of[i]) })
		} else {
			windAll(b, cl, len(of), func(i int) []winding { return of[i] })
		}
		plain := scheduleRaw(b, nc, n, due)
		require.Positive(b, time.Until(began))
		stop := make(chan struct{})
		slept := make(chan []time.Duration)
		go oversleep(stop, slept)
		heard.await(b, n, time.Until(due(n))+time.Minute)
		close(stop)
		overshoot = append(overshoot, <-slept...)
		raw = append(raw, plain()...)
		for _, one := range heard.late {
			if one < 0 {
				early++
			}
		}
		late = append(late, heard.late...)
		host.end(b)
		server.end(b)
	}
	spread(b, "late", late)
	spread(b, "sleep", overshoot)
	spread(b, "raw", raw)
	b.ReportMetric(float64(early), "early")
	b.ReportMetric(0, "ns/op")
}

// oversleep sends by how much each Sleep was too long.
func oversleep(stop chan struct{}, slept chan []time.Duration) {
	const nap = 10 * time.Millisecond
	var all []time.Duration
	for {
		select {
		case <-stop:
			slept <- all
			return
		default:
		}
		began := time.Now()
		time.Sleep(nap) //nolint:forbidigo // it is what is measured
		all = append(all, time.Since(began)-nap)
	}
}

// scheduleRaw has the server schedule messages for some times, and returns what waits for them and tells how late they were.
func scheduleRaw(b *testing.B, nc *nats.Conn, n int, due func(i int) time.Time) func() []time.Duration {
	b.Helper()
	js, err := jetstream.New(nc)
	require.NoError(b, err)
	_, err = js.CreateStream(b.Context(), jetstream.StreamConfig{
		Name: "raw", Subjects: []string{"raw.>"}, AllowMsgSchedules: true, Retention: jetstream.WorkQueuePolicy,
	})
	require.NoError(b, err)
	late := make(chan time.Duration, n)
	sub, err := nc.Subscribe("heard.raw", func(msg *nats.Msg) {
		at, _ := strconv.ParseInt(string(msg.Data), 10, 64)
		late <- time.Since(time.Unix(0, at))
		_ = msg.Ack()
	})
	require.NoError(b, err)
	stream, err := js.Stream(b.Context(), "raw")
	require.NoError(b, err)
	_, err = stream.CreateOrUpdatePushConsumer(b.Context(), jetstream.ConsumerConfig{
		Durable: "raw", DeliverSubject: sub.Subject, AckPolicy: jetstream.AckExplicitPolicy, FilterSubject: "raw.due.>", MaxAckPending: -1,
	})
	require.NoError(b, err)
	for i := range n {
		msg := nats.NewMsg(fmt.Sprint("raw.at.", i))
		msg.Header.Set("Nats-Schedule", "@at "+due(i).UTC().Format(time.RFC3339Nano))
		msg.Header.Set("Nats-Schedule-Target", fmt.Sprint("raw.due.", i))
		msg.Data = strconv.AppendInt(nil, due(i).UnixNano(), 10)
		_, err := js.PublishMsg(b.Context(), msg)
		require.NoError(b, err)
	}
	return func() (all []time.Duration) {
		for range n {
			select {
			case one := <-late:
				all = append(all, one)
			case <-time.After(time.Minute):
				b.Fatalf("%d of %d messages came", len(all), n)
			}
		}
		return all
	}
}
