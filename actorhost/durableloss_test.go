package actorhost_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// eventLog opens the stream of durable events.
func eventLog(t *testing.T, nc *nats.Conn) jetstream.Stream {
	t.Helper()
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	stream, err := js.Stream(t.Context(), "troupe-events")
	require.NoError(t, err)
	return stream
}

func TestSubscriberIsToldOfWhatIsNotKept(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, pressAndReader[0])
	first := b.Host(critics(reads))
	old, fresh := troupe.GetOrCreate[press](b.Client, "old"), troupe.GetOrCreate[press](b.Client, "fresh")
	require.NoError(t, call(t.Context(), publish, fresh, 7))
	require.NoError(t, call(t.Context(), hire, troupe.GetOrCreate[critic](b.Client, "ann"), "old"))
	require.NoError(t, call(t.Context(), hire, troupe.GetOrCreate[critic](b.Client, "ben"), "fresh"))
	require.NoError(t, call(t.Context(), publish, old, 2))
	awaitReviews(t, b.Client, "ann", "1", "2")
	b.Stop(first)
	require.NoError(t, call(t.Context(), publish, old, 4))
	require.NoError(t, call(t.Context(), publish, fresh, 4))
	for _, subject := range []string{"troupe.log.press.old.published", "troupe.log.press.fresh.published"} {
		require.NoError(t, eventLog(t, b.Connect()).Purge(t.Context(), jetstream.WithPurgeSubject(subject), jetstream.WithPurgeKeep(1)))
	}
	b.Host(critics(reads))
	awaitReviews(t, b.Client, "ann", "1", "2", "gap 2-6", "6")
	awaitReviews(t, b.Client, "ben", "gap 7-11", "11")
}

func TestEventsThatARecordHasNoRoomFor(t *testing.T) {
	t.Parallel()
	blow := troupe.NewAction[press, int, int]("blow")
	blown := troupe.NewDurableEvent[press, []byte]("blown")
	b := hosttest.Start(t, actorhost.Define(func() pressState { return pressState{} },
		actorhost.On(blow, func(s *pressState, c *actorhost.Context, n int) (int, error) {
			s.Pages++
			for range n {
				if err := blown.Broadcast(c, make([]byte, 300<<10)); err != nil {
					return 0, err
				}
			}
			return s.Pages, nil
		})))
	horn := troupe.GetOrCreate[press](b.Client, "horn")
	for range 5 { // one after the other they have room
		_, err := blow.Call(t.Context(), horn, 2)
		require.NoError(t, err)
	}
	_, err := blow.Call(t.Context(), horn, 4)
	require.ErrorIs(t, err, troupe.ErrTooLarge)
	pages, err := blow.Call(t.Context(), horn, 1)
	require.NoError(t, err)
	require.Equal(t, 6, pages, "the state is as it was before")
	var sequences []uint64
	for kept, err := range blown.Replay(t.Context(), horn, troupe.ReplayStart{}) {
		require.NoError(t, err)
		sequences = append(sequences, kept.Position.Sequence)
	}
	require.Equal(t, []uint64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, sequences, "and there is no hole")
}

// leaveUnsent leaves behind what a host does that dies between the write and the log: three events are in the record of a
// press, of which some are in the log.
func leaveUnsent(t *testing.T, b *hosttest.Bus, id troupe.ID, kept int) {
	t.Helper()
	nc := b.Connect()
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	records, err := store.OpenRecords(t.Context(), nc, ns, store.Settings{})
	require.NoError(t, err)
	log, err := store.FindLog(t.Context(), nc, ns)
	require.NoError(t, err)
	state, err := codec.MsgPack.Append(nil, pressState{Pages: 3})
	require.NoError(t, err)
	left, parts, end := record.Record{Owner: "dead", Created: true, State: state}, record.Parts{}, uint64(0)
	for n := range 3 {
		e := record.Broadcast{Event: "published", Epoch: 1, Payload: []byte{byte(n + 1)}, Durable: true}
		e.Apply(&parts)
		if n < kept {
			end, err = log.Append(t.Context(), id, e.Emitted(), end)
			require.NoError(t, err)
		}
	}
	parts.Fill(&left)
	_, err = records.Put(t.Context(), id, left)
	require.NoError(t, err)
}

func TestEventsThatADeadHostHasLeftAreKept(t *testing.T) {
	t.Parallel()
	for kept := range 4 {
		t.Run(fmt.Sprint(kept, " of 3 are in the log"), func(t *testing.T) {
			t.Parallel()
			b := hosttest.Start(t, append(pressAndReader, critics(reads))...)
			times := troupe.GetOrCreate[press](b.Client, "times")
			require.NoError(t, call(t.Context(), hire, troupe.GetOrCreate[critic](b.Client, "ann"), "times"))
			leaveUnsent(t, b, times.ID(), kept)
			require.Equal(t, uint64(kept), lastEvent(t, b.Client, times.ID(), "published").Sequence, "those that are not in the log have not been sent")

			require.NoError(t, call(t.Context(), publish, times, 0)) // which wakes it
			var got []int
			for event, err := range published.Replay(t.Context(), times, troupe.ReplayStart{}) {
				require.NoError(t, err)
				got = append(got, event.Payload)
			}
			require.Equal(t, []int{1, 2, 3}, got)
			awaitReviews(t, b.Client, "ann", "1", "2", "3")
		})
	}
}

// Nobody calls the press again.
func TestEventsThatADeadHostHasLeftAreSentThoughNobodyCalls(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	host := b.Host(append(pressAndReader, critics(reads))...)
	index := indexOf(t, b)
	times := troupe.GetOrCreate[press](b.Client, "times")
	require.NoError(t, call(t.Context(), hire, troupe.GetOrCreate[critic](b.Client, "ann"), "times"))
	leaveUnsent(t, b, times.ID(), 1)
	for _, id := range []troupe.ID{{}, times.ID()} {
		_, err := index.MarkUnsent(t.Context(), "dead", id)
		require.NoError(t, err)
	}
	awaitReviews(t, b.Client, "ann", "1", "2", "3")
	require.Eventually(t, func() bool { return len(marked(t, index, "dead")) == 0 }, 2*time.Minute, 5*time.Millisecond)

	require.NoError(t, call(t.Context(), publish, times, 1))
	require.Equal(t, []troupe.ID{{}, times.ID()}, marked(t, index, host.ID()))
	require.NoError(t, b.Client.Invoke(t.Context(), troupe.Invocation{ID: times.ID(), Action: troupe.SleepAction}))
	require.Eventually(t, func() bool { return len(marked(t, index, host.ID())) == 1 }, 2*time.Minute, 5*time.Millisecond,
		"of an actor that sleeps everything is sent")
}

// marked are the marks of a host, and of the actors on it, that there may be unsent events.
func marked(t *testing.T, index *store.Subscriptions, host string) (ids []troupe.ID) {
	t.Helper()
	hosts, err := index.UnsentHosts(t.Context(), "*")
	require.NoError(t, err)
	actors, err := index.UnsentOf(t.Context(), host)
	require.NoError(t, err)
	for _, mark := range append(hosts, actors...) {
		if mark.Host == host {
			ids = append(ids, mark.ID)
		}
	}
	return ids
}

func TestOnlyOneOfTwoWhoAppendSucceeds(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	log, err := store.OpenLog(t.Context(), b.Connect(), ns, store.Settings{KeepEvents: time.Hour})
	require.NoError(t, err)
	id, err := troupe.NewID("press", "times")
	require.NoError(t, err)
	first := record.Emitted{Event: "published", Position: wire.Position{Epoch: 5, Sequence: 1}}
	end, err := log.Append(t.Context(), id, first, 0)
	require.NoError(t, err)
	_, err = log.Append(t.Context(), id, first, 0)
	require.ErrorIs(t, err, store.ErrConflict, "a host that does not know that it has lost the actor appends nothing")
	last, sequence, err := log.Last(t.Context(), id, "published")
	require.NoError(t, err)
	require.Equal(t, troupe.Position(first.Position), last)
	require.Equal(t, end, sequence)
}

func TestNoticeOfWhatIsNotInTheLogYet(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, append(pressAndReader, critics(reads))...)
	ann := troupe.GetOrCreate[critic](b.Client, "ann")
	require.NoError(t, call(t.Context(), hire, ann, "times"))
	notice := func(event string, sequence uint64) error {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		return b.Client.Invoke(ctx, troupe.Invocation{ID: ann.ID(), Action: wire.NoticeAction, Existing: true,
			In: wire.Notice{Source: "press.times", Event: event, Sequence: sequence}})
	}
	require.ErrorIs(t, notice("published", 5), troupe.ErrUnavailable, "as on a replica that is behind")
	require.NoError(t, notice("published", 0))
	require.ErrorIs(t, notice("printed", 0), troupe.ErrNotFound)
	require.NoError(t, call(t.Context(), publish, troupe.GetOrCreate[press](b.Client, "times"), 1))
	awaitReviews(t, b.Client, "ann", "1")
}

func TestTheFeedComesBack(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, append(pressAndReader, critics(reads))...)
	require.NoError(t, call(t.Context(), hire, troupe.GetOrCreate[critic](b.Client, "ann"), "times"))
	require.NoError(t, eventLog(t, b.Connect()).DeleteConsumer(t.Context(), "wake"))
	times, n := troupe.GetOrCreate[press](b.Client, "times"), 0
	require.Eventually(t, func() bool {
		require.NoError(t, call(t.Context(), publish, times, 1))
		n++
		got, err := reviewed.Call(t.Context(), troupe.GetOrCreate[critic](b.Client, "ann"), nil)
		require.NoError(t, err)
		return len(got) > 0
	}, 30*time.Second, 100*time.Millisecond)
	awaitReviews(t, b.Client, "ann", numbers(1, n)...)
}

func TestDurableSubscriptionOutlivesTheServer(t *testing.T) {
	t.Parallel()
	logger, s := slog.New(slog.DiscardHandler), startOutages(t)
	for range 2 {
		host, err := actorhost.Start(t.Context(), s.connect(t), actorhost.Config{Logger: logger}, append(pressAndReader, critics(reads))...)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, host.Stop(context.Background())) })
	}
	c, err := client.New(s.connect(t), client.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close(context.Background())) })
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, call(ctx, hire, troupe.GetOrCreate[critic](c, "ann"), "times"))
	done := make(chan error)
	const events = 300
	go func() {
		var failed *troupe.Error
		for n := 0; n < events; {
			switch err := call(troupe.WithRequestID(ctx, fmt.Sprint(n)), publish, troupe.GetOrCreate[press](c, "times"), 1); {
			case err == nil:
				n++
			case !errors.As(err, &failed) || !failed.Retryable && failed.Code != troupe.CodeOutcomeUnknown:
				done <- err
				return
			}
		}
		done <- nil
	}()
	for range 2 {
		before := len(eventsOf(t, c))
		require.Eventually(t, func() bool { return len(eventsOf(t, c)) > before+20 }, 30*time.Second, time.Millisecond)
		s.restart(t)
	}
	require.NoError(t, <-done)
	require.Eventually(t, func() bool {
		got, err := reviewed.Call(t.Context(), troupe.GetOrCreate[critic](c, "ann"), nil)
		return err == nil && len(got) >= events
	}, 2*time.Minute, 5*time.Millisecond)
	awaitReviews(t, c, "ann", numbers(1, events)...)
}

func eventsOf(t *testing.T, c *client.Client) (all []int) {
	t.Helper()
	for kept, err := range published.Replay(t.Context(), troupe.GetOrCreate[press](c, "times"), troupe.ReplayStart{}) {
		if err == nil {
			all = append(all, kept.Payload)
		}
	}
	return all
}

// TestEventThatTheLogHasForgotten does not come back when its actor wakes.
func TestEventThatTheLogHasForgotten(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, pressAndReader[0])
	ref, nc := troupe.GetOrCreate[press](b.Client, "times"), b.Connect()
	require.NoError(t, call(t.Context(), publish, ref, 2))
	log := eventLog(t, nc)
	for range 2 {
		require.NoError(t, b.Client.Actor("press", "times").Call(t.Context(), troupe.SleepAction, nil, nil))
		require.NoError(t, log.Purge(t.Context()))
		heard, err := nc.SubscribeSync("troupe.event.press.times.published")
		require.NoError(t, err)
		require.NoError(t, nc.Flush())
		require.NoError(t, call(t.Context(), publish, ref, 0)) // no event
		info, err := log.Info(t.Context())
		require.NoError(t, err)
		require.Zero(t, info.State.Msgs)
		pending, _, err := heard.Pending()
		require.NoError(t, err)
		require.Zero(t, pending)
	}
}

// The log is made anew, and grows beyond what the reader has read of the earlier one before the reader is told. It has all
// that is to come.
func TestLogIsMadeAnewBetweenEvents(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, pressAndReader[0])
	first := b.Host(critics(reads))
	old := troupe.GetOrCreate[press](b.Client, "old")
	require.NoError(t, call(t.Context(), hire, troupe.GetOrCreate[critic](b.Client, "ann"), "old"))
	require.NoError(t, call(t.Context(), publish, old, 5))
	awaitReviews(t, b.Client, "ann", "1", "2", "3", "4", "5")
	b.Stop(first)
	nc := b.Connect()
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	require.NoError(t, js.DeleteStream(t.Context(), "troupe-events"))
	require.NoError(t, call(t.Context(), publish, old, 7))
	b.Host(critics(reads))
	require.NoError(t, call(t.Context(), publish, old, 1))
	awaitReviews(t, b.Client, "ann", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13")
}

// The event that a notice tells of was in a log that is no more. There are fewer in the one that there is.
func TestNoticeOfAnotherLog(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, append(pressAndReader, critics(reads))...)
	ann, times := troupe.GetOrCreate[critic](b.Client, "ann"), troupe.GetOrCreate[press](b.Client, "times")
	require.NoError(t, call(t.Context(), hire, ann, "times"))
	require.NoError(t, call(t.Context(), publish, times, 5))
	awaitReviews(t, b.Client, "ann", "1", "2", "3", "4", "5")
	js, err := jetstream.New(b.Connect())
	require.NoError(t, err)
	require.NoError(t, js.DeleteStream(t.Context(), "troupe-events"))
	require.NoError(t, call(t.Context(), publish, times, 2))
	last := lastEvent(t, b.Client, times.ID(), "published")
	require.NoError(t, b.Client.Invoke(t.Context(), troupe.Invocation{ID: ann.ID(), Action: wire.NoticeAction, Existing: true,
		In: wire.Notice{Source: "press.times", Event: "published", Sequence: 100, Last: map[string]wire.Position{"published": wire.Position(last)}}}))
	awaitReviews(t, b.Client, "ann", "1", "2", "3", "4", "5", "6", "7")
}
