package calendar_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/internal/calendar"
)

// schedules are usual ones, and the rarest that there are.
var schedules = []struct{ name, spec, zone, after string }{
	{"daily", "0 9 * * *", "Europe/Berlin", "2026-05-01T00:00:00Z"},
	{"daily, long ago", "0 9 * * *", "Europe/Berlin", "1990-05-01T00:00:00Z"},
	{"daily, UTC", "0 9 * * *", "", "2026-05-01T00:00:00Z"},
	{"gap", "30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z"},
	{"quarters", "*/15 * * * *", "Europe/Berlin", "2026-05-01T00:00:00Z"},
	{"seconds", "* * * * * *", "Europe/Berlin", "2026-05-01T00:00:00Z"},
	{"either day", "0 0 29 2 1", "Europe/Berlin", "2026-05-01T00:00:00Z"},
	{"rarest", "0 0 29 2 *", "Europe/Berlin", "2096-03-01T00:00:00Z"},
	{"rarest, real time", "0 * 29 2 *", "Europe/Berlin", "2096-03-01T00:00:00Z"},
	{"rarest, Ramadan", "0 * 29 2 *", "Africa/Casablanca", "2080-03-01T00:00:00Z"},
}

// TestNextDoesNotAllocate is not parallel, because it counts what the program allocates.
func TestNextDoesNotAllocate(t *testing.T) {
	for _, test := range schedules {
		c, after := parse(t, test.spec, test.zone), at(t, test.after)
		require.Zero(t, testing.AllocsPerRun(100, func() { c.Next(after) }), test.name)
	}
}

func BenchmarkNext(b *testing.B) {
	for _, test := range schedules {
		b.Run(test.name, func(b *testing.B) {
			c, after := parse(b, test.spec, test.zone), at(b, test.after)
			b.ReportAllocs()
			for b.Loop() {
				c.Next(after)
			}
		})
	}
}

func BenchmarkPassed(b *testing.B) {
	now := time.Date(2026, time.May, 1, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name string
		grid calendar.Grid
	}{
		{"every second", calendar.Grid{Every: time.Second}},
		{"cron, every second", calendar.Grid{Cron: parse(b, "* * * * * *", "Europe/Berlin")}},
		{"cron, daily", calendar.Grid{Cron: parse(b, "0 9 * * *", "Europe/Berlin")}},
		{"cron, rarest", calendar.Grid{Cron: parse(b, "0 * 29 2 *", "Europe/Berlin")}},
	} {
		b.Run(test.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				test.grid.Passed(now.AddDate(-10, 0, 0), now, 1000)
			}
		})
	}
}

func BenchmarkParseCron(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		parse(b, "0 9 * * MON-FRI", "Europe/Berlin")
	}
}
