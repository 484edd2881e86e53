package actorhost_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
)

var stuff = troupe.NewAction[Logbook, int, troupe.None]("stuff")

func (d *logbook) stuff(_ *actorhost.Context, n int) error {
	d.Entries = []entry{{Text: strings.Repeat("x", n)}}
	return nil
}

// fillUp has a logbook take nearly all the room of its record.
func fillUp(t *testing.T, d Logbook) {
	t.Helper()
	least, most := 0, 2<<20
	for most-least > 50 { // bytes of room
		middle := (least + most) / 2
		switch _, err := stuff.Call(t.Context(), d, middle); {
		case errors.Is(err, troupe.ErrTooLarge):
			most = middle
		default:
			require.NoError(t, err)
			least = middle
		}
	}
}

// What a schedule replaces, or what is cancelled, takes no room any more, in the same turn and in the next.
func TestReplacedSchedulesTakeNoRoom(t *testing.T) {
	t.Parallel()
	replace := troupe.NewAction[Logbook, int, troupe.None]("replace")
	move := troupe.NewAction[Logbook, time.Duration, troupe.None]("move")
	b := hosttest.Start(t, actorhost.Define(func() logbook { return logbook{} },
		actorhost.On(Note, actorhost.NoOut((*logbook).note)),
		actorhost.On(replace, actorhost.NoOut(func(_ *logbook, c *actorhost.Context, times int) error {
			for range times {
				if _, err := Note.After(c, time.Hour, strings.Repeat("x", 100<<10), troupe.Named("it")); err != nil {
					return err
				}
			}
			for range times {
				name, err := Note.After(c, time.Hour, strings.Repeat("x", 20<<10))
				if err != nil {
					return err
				}
				if _, err := c.Unschedule(name); err != nil {
					return err
				}
			}
			return nil
		})),
		actorhost.On(move, actorhost.NoOut(func(_ *logbook, c *actorhost.Context, d time.Duration) error {
			_, err := Note.After(c, d, strings.Repeat("x", 100<<10), troupe.Named("it"))
			return err
		})),
		actorhost.On(stuff, actorhost.NoOut((*logbook).stuff))))
	d := logbookOf(b, "one")
	for range 2 { // of what is stored by the second time
		callOf(t, replace, d, troupe.MaxSchedules+1)
	}
	fillUp(t, d)
	callOf(t, move, d, time.Hour)
	listed, err := troupe.SchedulerOf(t.Context(), d).Schedules()
	require.NoError(t, err)
	require.Len(t, listed, 1)
}

// A run that fails is tried again though the record has no room for why.
func TestRunThatFailsWhereTheRecordIsFull(t *testing.T) {
	t.Parallel()
	groan := troupe.NewAction[Logbook, troupe.None, troupe.None]("groan")
	b := hosttest.Start(t, actorhost.Define(func() logbook { return logbook{} },
		actorhost.On(groan, actorhost.NoInNoOut(func(*logbook, *actorhost.Context) error {
			return &troupe.Error{Code: "too_much", Message: strings.Repeat("groan ", 40)}
		})),
		actorhost.On(stuff, actorhost.NoOut((*logbook).stuff))))
	d := logbookOf(b, "one")
	s := troupe.SchedulerOf(t.Context(), d)
	_, err := groan.After(s, time.Minute, nil, troupe.Named("it"))
	require.NoError(t, err)
	fillUp(t, d)
	for attempts := 1; attempts <= 3; attempts++ {
		b.AdvanceTo(b.NextDue())
		listed, err := s.Schedules()
		require.NoError(t, err)
		require.Equal(t, attempts, listed[0].Attempts)
		require.Empty(t, listed[0].Error)
	}
	callOf(t, stuff, d, 0)
	b.AdvanceTo(b.NextDue())
	listed, err := s.Schedules()
	require.NoError(t, err)
	require.Contains(t, listed[0].Error, "too_much: groan ")
}
