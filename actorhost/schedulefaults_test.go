package actorhost_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
)

// These tests run in real time: what they wait for takes a second or two.

// logbookOf is a logbook that may be asked while hosts come and go.
func logbookOf(b *hosttest.Bus, key string) Logbook {
	return troupe.GetOrCreate[Logbook](b.Client, key)
}

// eventually waits until a logbook has so many entries.
func eventually(t *testing.T, d Logbook, n int) []entry {
	t.Helper()
	var all []entry
	require.Eventually(t, func() bool {
		var err error
		all, err = ReadPage.Call(t.Context(), d, nil)
		return err == nil && len(all) >= n
	}, 30*time.Second, 20*time.Millisecond)
	require.Len(t, all, n)
	return all
}

// awaitNote waits until a text is noted. Nobody calls for that, so an alarm must have woken the logbook.
func awaitNote(t *testing.T, text string) {
	t.Helper()
	require.Eventually(t, func() bool { _, ok := notedTexts.Load(text); return ok }, 30*time.Second, 5*time.Millisecond)
}

func TestScheduleRunsWhenItsHostHasDied(t *testing.T) {
	t.Parallel()
	for name, asleep := range map[string]bool{"awake": false, "asleep": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := hosttest.Start(t)
			first := b.Host(logbookType())
			d := logbookOf(b, "one")
			began := time.Now()
			_, err := Note.After(troupe.SchedulerOf(t.Context(), d), 1500*time.Millisecond, t.Name())
			require.NoError(t, err)
			if asleep {
				require.NoError(t, sleepNow(t, d))
			}
			b.Host(logbookType())
			b.Kill(first)
			awaitNote(t, t.Name())
			noted := eventually(t, d, 1)
			require.GreaterOrEqual(t, noted[0].At.Sub(began), 1500*time.Millisecond)
		})
	}
}

// A host that comes later, and one that was there before anybody scheduled anything, both hear alarms.
func TestScheduleRunsOnAHostThatHasScheduledNothing(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	b.Host(logbookType())
	first := b.Host(logbookType())
	for key := range 8 {
		_, err := Note.After(troupe.SchedulerOf(t.Context(), logbookOf(b, string(rune('a'+key)))), time.Second, fmt.Sprint(t.Name(), key))
		require.NoError(t, err)
	}
	b.Stop(first)
	for key := range 8 {
		awaitNote(t, fmt.Sprint(t.Name(), key))
	}
}

// What was moved or canceled rings in vain: nobody wakes for it.
func TestAlarmInVainWakesNobody(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	host := b.Host(logbookType())
	moved, canceled := logbookOf(b, "moved"), logbookOf(b, "canceled")
	for _, d := range []Logbook{moved, canceled} {
		_, err := Plan.Call(t.Context(), d, plan{Text: "soon", Name: "it", After: 1200 * time.Millisecond})
		require.NoError(t, err)
	}
	_, err := Plan.Call(t.Context(), moved, plan{Text: "late", Name: "it", After: time.Hour})
	require.NoError(t, err)
	require.True(t, callOf(t, Cancel, canceled, "it"))
	require.NoError(t, sleepNow(t, moved))
	require.NoError(t, sleepNow(t, canceled))
	require.Eventually(t, func() bool { return host.Active() == 0 }, 10*time.Second, time.Millisecond)
	js, err := jetstream.New(b.Connect())
	require.NoError(t, err)
	require.Eventually(t, func() bool { // both have rung, and the one is set again
		stream, err := js.Stream(t.Context(), "troupe-due")
		return err == nil && stream.CachedInfo().State.LastSeq >= 5 && stream.CachedInfo().State.Msgs == 1
	}, 10*time.Second, 10*time.Millisecond)
	require.Zero(t, host.Active())
	listed, err := troupe.SchedulerOf(t.Context(), moved).Schedules()
	require.NoError(t, err)
	require.Len(t, listed, 1)
	require.Zero(t, host.Active(), "to list wakes nobody either")
}

// Alarms whose stream is lost are set again, of actors that sleep and of those that are awake.
func TestAlarmsAreSetAgainWhenTheirStreamIsLost(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	first := b.Host(logbookType())
	asleep, awake := logbookOf(b, "asleep"), logbookOf(b, "awake")
	for i, d := range []Logbook{asleep, awake} {
		_, err := Plan.Call(t.Context(), d, plan{Text: fmt.Sprint(t.Name(), i), Name: "it", After: 4 * time.Second})
		require.NoError(t, err)
	}
	require.NoError(t, sleepNow(t, asleep))
	js, err := jetstream.New(b.Connect())
	require.NoError(t, err)
	require.NoError(t, js.DeleteStream(t.Context(), "troupe-due"))
	require.Eventually(t, func() bool {
		stream, err := js.Stream(t.Context(), "troupe-due")
		return err == nil && stream.CachedInfo().State.Msgs >= 3 // with the mark of who sets them again
	}, 10*time.Second, 10*time.Millisecond)
	b.Host(logbookType())
	b.Kill(first)
	awaitNote(t, fmt.Sprint(t.Name(), 0))
	awaitNote(t, fmt.Sprint(t.Name(), 1))
	eventually(t, asleep, 1)
	eventually(t, awake, 1)
}

// What a destroyed actor has scheduled never runs, nor in its next life.
func TestDestroyTakesSchedulesAlong(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, logbookType())
	d := logbookOf(b, "one")
	_, err := Note.After(troupe.SchedulerOf(t.Context(), d), time.Second, "of the first life", troupe.Named("it"))
	require.NoError(t, err)
	destroyIt := troupe.NewAction[Logbook, troupe.None, troupe.None](troupe.DestroyAction)
	_, err = destroyIt.Call(t.Context(), d, nil)
	require.NoError(t, err)
	_, err = Note.After(troupe.SchedulerOf(t.Context(), d), 1500*time.Millisecond, "of the second", troupe.Named("it"))
	require.NoError(t, err)
	require.Equal(t, "of the second", eventually(t, d, 1)[0].Text)

	_, err = destroyIt.Call(t.Context(), d, nil)
	require.NoError(t, err)
	_, err = troupe.SchedulerOf(t.Context(), d).Schedules()
	require.ErrorIs(t, err, troupe.ErrNotFound)
	_, err = troupe.SchedulerOf(t.Context(), d).Unschedule("it")
	require.ErrorIs(t, err, troupe.ErrNotFound)
	_, err = Note.After(troupe.SchedulerOf(t.Context(), troupe.Get[Logbook](b.Client, "one")), time.Second, "")
	require.ErrorIs(t, err, troupe.ErrNotFound)
}

// A program that has not the action leaves what is due to one that has it, and if there is none, the action fails as any other.
func TestScheduleOfAnActionThatOnlyAnotherProgramHas(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	old := actorhost.Define(func() logbook { return logbook{} },
		actorhost.On(ReadPage, actorhost.NoIn(func(d *logbook, _ *actorhost.Context) ([]entry, error) { return d.Entries, nil })))
	first := b.Host(logbookType())
	d := logbookOf(b, "one")
	_, err := Note.After(troupe.SchedulerOf(t.Context(), d), 2*time.Second, "later", troupe.Named("later"))
	require.NoError(t, err)
	b.Host(old)
	b.Stop(first)
	eventually(t, d, 0) // awake where the action is not
	require.Eventually(t, func() bool {
		listed, err := troupe.SchedulerOf(t.Context(), d).Schedules()
		return err == nil && len(listed) == 1 && listed[0].Attempts > 0 && listed[0].Error != ""
	}, 15*time.Second, 50*time.Millisecond)
	b.Host(logbookType())
	require.Equal(t, "later", eventually(t, d, 1)[0].Text)
}

// Any client schedules by a request.
func TestScheduleByARequestInJSON(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, logbookType())
	nc := b.Connect()
	request := func(action, body string) (string, string) {
		t.Helper()
		reply, err := nc.RequestMsg(&nats.Msg{
			Subject: "troupe.route.logbook.one." + action, Data: []byte(body), Header: nats.Header{"Content-Type": {"application/json"}},
		}, 5*time.Second)
		require.NoError(t, err)
		return string(reply.Data), reply.Header.Get("Nats-Service-Error-Code") + reply.Header.Get("Troupe-Error")
	}
	name, _ := request("_schedule", `{"name":"it","action":"plan","input":{"Text":"from JSON","After":1000000},"after":50}`)
	require.JSONEq(t, `"it"`, name)
	noted := eventually(t, logbookOf(b, "one"), 1)
	require.Equal(t, "from JSON", noted[0].Text)
	_, _ = request("_schedule", `{"name":"far","action":"note","input":"x","cron":"0 9 * * 1","zone":"Europe/Berlin","missed":"all"}`)
	list, _ := request("_schedules", ``)
	var listed []map[string]any
	require.NoError(t, json.Unmarshal([]byte(list), &listed), list)
	require.Len(t, listed, 1)
	delete(listed[0], "at")
	require.Equal(t, map[string]any{
		"name": "far", "action": "note", "input": "x", "cron": "0 9 * * 1", "zone": "Europe/Berlin", "missed": "all",
	}, listed[0])
	found, _ := request("_unschedule", `"far"`)
	require.JSONEq(t, "true", found)
	found, _ = request("_unschedule", `"far"`)
	require.JSONEq(t, "false", found)
	for range 2 { // awake and asleep
		list, _ = request("_schedules", ``)
		require.Equal(t, "[]", list)
		_, _ = request("_sleep", ``)
	}
}

func TestScheduleRefusesWhatCannotBe(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, logbookType())
	schedule := troupe.NewAction[Logbook, any, string](troupe.ScheduleAction)
	for body, want := range map[string]string{
		`{"action":"nothing","after":1}`:                                   "has no action",
		`{"action":"_due","after":1}`:                                      "has no action",
		`{"action":"note","input":5,"after":1}`:                            "input",
		`{"action":"note","input":"x","after":1,"every":5000}`:             "one of At, After, Every and Cron",
		`{"action":"note","input":"x","every":10}`:                         "more often than",
		`{"action":"note","input":"x","cron":"61 * * * *"}`:                "minute",
		`{"action":"note","input":"x","cron":"0 9 * * *","zone":"Mars/X"}`: "Mars/X",
		`{"action":"note","input":"x","after":1,"zone":"Europe/Berlin"}`:   "time zone",
		`{"action":"note","input":"x","every":5000,"missed":"perhaps"}`:    "policy",
		`{"action":"note","input":"x","after":-5}`:                         "after is -5",
		`{"action":"note","input":"x","after":9000000000000000}`:           "at most",
		`{"action":"note","input":"x","at":9000000000000000}`:              "since 1970",
		`{"action":"note","input":"x","name":"no name","after":1}`:         "schedule",
	} {
		var in any
		require.NoError(t, json.Unmarshal([]byte(body), &in))
		_, err := schedule.Call(t.Context(), logbookOf(b, "one"), in)
		require.Error(t, err, body)
		require.ErrorContains(t, err, want, body)
		require.NotErrorIs(t, err, troupe.ErrInternal, body)
	}
	_, err := Plan.Call(t.Context(), logbookOf(b, "one"), plan{Action: "nothing", After: time.Second})
	require.ErrorIs(t, err, troupe.ErrUnknownAction)
	for _, ages := range []plan{{Every: math.MaxInt64}, {Every: time.Hour, Spread: math.MaxInt64}} {
		_, err := Plan.Call(t.Context(), logbookOf(b, "one"), ages)
		require.ErrorIs(t, err, troupe.ErrBadInput)
		require.ErrorContains(t, err, "longer than")
	}
	listed, err := troupe.SchedulerOf(t.Context(), logbookOf(b, "one")).Schedules()
	require.NoError(t, err)
	require.Empty(t, listed)
}

// An actor schedules so much and no more, and says so.
func TestScheduleLimits(t *testing.T) {
	t.Parallel()
	full := troupe.NewAction[Logbook, int, int]("full")
	b := hosttest.Start(t, actorhost.Define(func() logbook { return logbook{} },
		actorhost.On(Note, actorhost.NoOut((*logbook).note)),
		actorhost.On(full, func(_ *logbook, c *actorhost.Context, size int) (n int, err error) {
			for ; ; n++ {
				if _, err = Note.After(c, time.Hour, string(make([]byte, size))); err != nil {
					break
				}
			}
			if !errors.Is(err, troupe.ErrTooLarge) {
				return 0, err
			}
			return n, nil
		})))
	n, err := full.Call(t.Context(), logbookOf(b, "many"), 0)
	require.NoError(t, err)
	require.Equal(t, troupe.MaxSchedules, n)
	n, err = full.Call(t.Context(), logbookOf(b, "large"), 30<<10)
	require.NoError(t, err)
	require.Equal(t, 4, n)
	listed, err := troupe.SchedulerOf(t.Context(), logbookOf(b, "large")).Schedules()
	require.NoError(t, err)
	require.Len(t, listed, 4)
	n, err = full.Call(t.Context(), logbookOf(b, "large"), 30<<10)
	require.NoError(t, err)
	require.Zero(t, n)
}

// A schedule that is made as the actor is created is there exactly if the actor is.
func TestScheduleInTheCreateHook(t *testing.T) {
	t.Parallel()
	var refuse atomic.Bool
	create := troupe.NewConstructor[Logbook, string]()
	b := hosttest.Start(t, actorhost.Define(func() logbook { return logbook{} },
		actorhost.OnCreate(create, func(_ *logbook, c *actorhost.Context, text string) error {
			if _, err := Note.After(c, time.Second, text); err != nil {
				return err
			}
			if refuse.Load() {
				return &troupe.Error{Code: "refused", Message: "no"}
			}
			return nil
		}),
		actorhost.On(Note, actorhost.NoOut((*logbook).note)),
		actorhost.On(ReadPage, actorhost.NoIn(func(d *logbook, _ *actorhost.Context) ([]entry, error) { return d.Entries, nil })),
	))
	refuse.Store(true)
	refused := troupe.Get[Logbook](b.Client, "refused")
	require.Error(t, create.Create(t.Context(), refused, "never"))
	refuse.Store(false)
	require.NoError(t, create.Create(t.Context(), logbookOf(b, "made"), "made"))
	require.Equal(t, "made", eventually(t, logbookOf(b, "made"), 1)[0].Text)
	_, err := ReadPage.Call(context.WithoutCancel(t.Context()), refused, nil)
	require.ErrorIs(t, err, troupe.ErrNotFound)
}

// Actors that all want the same time are spread evenly, each at a time of its own that it keeps.
func TestSpreadIsEven(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, logbookType())
	const actors, parts = 300, 10
	counts := make([]int, parts)
	for key := range actors {
		s := troupe.SchedulerOf(t.Context(), logbookOf(b, fmt.Sprint("a", key)))
		var first time.Time
		for range 2 {
			_, err := Note.Cron(s, "0 9 * * *", "x", troupe.Spread(10*time.Minute), troupe.Named("daily"))
			require.NoError(t, err)
			listed, err := s.Schedules()
			require.NoError(t, err)
			require.Len(t, listed, 1)
			after := listed[0].Due.Sub(listed[0].Due.Truncate(24 * time.Hour).Add(9 * time.Hour))
			require.Less(t, after, 10*time.Minute)
			require.GreaterOrEqual(t, after, time.Duration(0))
			if first.IsZero() {
				counts[after*parts/(10*time.Minute)]++
			} else {
				require.Equal(t, first, listed[0].Due)
			}
			first = listed[0].Due
		}
	}
	for _, n := range counts {
		require.InDelta(t, actors/parts, n, actors/parts, "%v", counts)
		require.NotZero(t, n)
	}
}

// A turn schedules an action of another actor by a call.
func TestScheduleOfAnotherActor(t *testing.T) {
	t.Parallel()
	other := troupe.NewAction[Logbook, Logbook, string]("other")
	b := hosttest.Start(t, actorhost.Define(func() logbook { return logbook{} },
		actorhost.On(Note, actorhost.NoOut((*logbook).note)),
		actorhost.On(ReadPage, actorhost.NoIn(func(d *logbook, _ *actorhost.Context) ([]entry, error) { return d.Entries, nil })),
		actorhost.On(other, func(_ *logbook, c *actorhost.Context, of Logbook) (string, error) {
			return Note.After(troupe.SchedulerOf(c, of), 0, "for you", troupe.Named("gift"))
		})))
	name, err := other.Call(t.Context(), logbookOf(b, "one"), logbookOf(b, "two"))
	require.NoError(t, err)
	require.Equal(t, "gift", name)
	require.Equal(t, "for you", eventually(t, logbookOf(b, "two"), 1)[0].Text)
	require.NoError(t, logbookNote(t, logbookOf(b, "two")))
	noted := eventually(t, logbookOf(b, "two"), 2)
	require.Zero(t, noted[1].Attempt, "a call is no firing")
}

func logbookNote(t *testing.T, d Logbook) error {
	t.Helper()
	_, err := Note.Call(t.Context(), d, "called")
	return err
}
