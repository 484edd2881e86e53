package record_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/troupe-go/troupe/internal/record"
)

// drawSchedule makes a change of what is scheduled.
func drawSchedule(t *rapid.T, name string) record.Change {
	number, text := rapid.Int64Range(0, 1<<41), rapid.StringN(0, 20, 60)
	one := record.Scheduled{
		Name: name, Action: "a" + text.Draw(t, "action"), Input: rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "input"),
		Set: number.Draw(t, "set"), Due: number.Draw(t, "due") | 1, Try: number.Draw(t, "try"), Attempts: int(number.Draw(t, "attempts")),
		Error: text.Draw(t, "error"), Missed: int(number.Draw(t, "missed")), Zone: text.Draw(t, "zone"), Policy: text.Draw(t, "policy"),
		Offset: number.Draw(t, "offset"),
	}
	if rapid.Bool().Draw(t, "cron") {
		one.Cron = text.Draw(t, "expression")
	} else {
		one.Every = number.Draw(t, "every")
	}
	switch rapid.IntRange(0, 5).Draw(t, "change") {
	case 0:
		return record.RemoveSchedule{Name: name}
	case 1:
		return record.Park{Scheduled: one}
	case 2:
		return record.Unpark{Name: name}
	default:
		return record.PutSchedule{Scheduled: one}
	}
}

func TestSchedulesAreInOrderAndComeBack(t *testing.T) {
	t.Parallel()
	r, parts := record.Record{Owner: "h", Created: true}, record.Parts{}
	for i, due := range []int64{50, 20, 70, 20, 60} {
		record.PutSchedule{Scheduled: record.Scheduled{Name: fmt.Sprint("n", i), Action: "run", Due: due}}.Apply(&parts)
	}
	record.PutSchedule{Scheduled: record.Scheduled{Name: "n2", Action: "run", Due: 10, Try: 55}}.Apply(&parts) // moved
	record.RemoveSchedule{Name: "n4"}.Apply(&parts)
	parts.Schedules().Alarm = record.Alarm{At: 20, Sequence: 3}
	for range 2 {
		var names []string
		for one := range parts.Schedules().All() {
			names = append(names, one.Name)
		}
		require.Equal(t, []string{"n1", "n3", "n0", "n2"}, names, "by when they are due, those of a time in the order in which they came")
		require.EqualValues(t, 20, parts.Schedules().First())
		require.Equal(t, record.Alarm{At: 20, Sequence: 3}, parts.Schedules().Alarm)
		parts.Fill(&r)
		require.Equal(t, []string{"schedules"}, r.Needs)
		r, parts = open(t, r.Append(nil), 1)
	}
	record.Rang{}.Apply(&parts)
	require.Zero(t, parts.Schedules().Alarm)
	for _, name := range []string{"n0", "n1", "n2", "n3"} {
		record.RemoveSchedule{Name: name, Ran: true}.Apply(&parts)
	}
	parts.Fill(&r)
	require.Empty(t, r.Needs, "a host that knows no schedules may have the actor again")
	require.Empty(t, r.Parts)
}

func TestParkedRunsAreCountedAndLimited(t *testing.T) {
	t.Parallel()
	var parts record.Parts
	for i := range record.MaxParked + 5 {
		one := record.Scheduled{Name: fmt.Sprint("n", i), Action: "run", Due: 1}
		record.Park{Scheduled: one}.Apply(&parts)
		record.Park{Scheduled: one}.Apply(&parts)
	}
	parked := parts.Schedules().Parked()
	require.Len(t, parked, record.MaxParked)
	require.Equal(t, "n5", parked[0].Run.Name, "the oldest go")
	require.Equal(t, 2, parked[0].Count)
	record.RemoveSchedule{Name: "n5", Ran: true}.Apply(&parts)
	require.NotNil(t, parts.Schedules().FindParked("n5"))
	record.RemoveSchedule{Name: "n5"}.Apply(&parts)
	require.Nil(t, parts.Schedules().FindParked("n5"))
	r := record.Record{Owner: "h", Created: true}
	parts.Fill(&r)
	_, parts = open(t, r.Append(nil), 1)
	require.Len(t, parts.Schedules().Parked(), record.MaxParked-1)
	require.Equal(t, 2, parts.Schedules().Parked()[0].Count)
}
