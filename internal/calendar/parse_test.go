package calendar_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/internal/calendar"
)

// TestParseCron: what is written in two ways is the same.
func TestParseCron(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ spec, same string }{
		{"0 0 * * *", "0 0 0 * * *"},
		{"\t0  0 * * * ", "0 0 * * *"},
		{"? ? ? ? ?", "* * * * *"},
		{"*/15 * * * *", "0,15,30,45 * * * *"},
		{"?/15 * * * *", "0,15,30,45 * * * *"},
		{"10-40/5 * * * *", "10,15,20,25,30,35,40 * * * *"},
		{"10-44/5 * * * *", "10-40/5 * * * *"},
		{"5/15 * * * *", "5,20,35,50 * * * *"},
		{"5/60 * * * *", "5 * * * *"},
		{"0 */24 * * *", "0 0 * * *"},
		{"007 * * * *", "7 * * * *"},
		{"5-5 * * * *", "5 * * * *"},
		{"1,1,1-3,2-4 * * * *", "1-4 * * * *"},
		{"0-59 0-23 1-31 1-12 0-7", "* * * * *"},
		{"0 0 * JAN-DEC SUN-SAT", "0 0 * * *"},
		{"0 0 * jan,Feb,mAR,apr,may,jun,jul *", "0 0 * 1-7 *"},
		{"0 0 * aug,sep,oct,nov,dec *", "0 0 * 8-12 *"},
		{"0 0 * * mon-Fri", "0 0 * * 1,2,3,4,5"},
		{"0 0 * * 7", "0 0 * * 0"},
		{"0 0 * * 7/2", "0 0 * * SUN"},
		{"0 0 * * 5-7", "0 0 * * 5,6,0"},
		{"0 0 * * FRI-SUN", "0 0 * * 5,6,0"},
		{"0 0 * * SUN-SUN", "0 0 * * 0"},
		{"0 0 * * 1-7", "0 0 * * *"},
		{"0 0 * * tue/2", "0 0 * * 2,4,6"},
		{"0 0 * FEB/3 *", "0 0 * 2,5,8,11 *"},
		{"59 59 23 31 12 *", "59-59 59 23 31 DEC ?"},
		{"@daily", "0 0 * * *"},
		{"@weekly", "0 0 * * SUN"},
		{strings.Repeat(" ", 247) + "0 0 * * *", "0 0 * * *"},
	} {
		t.Run(test.spec, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, parse(t, test.same, ""), parse(t, test.spec, ""))
		})
	}
}

func TestParseCronErrors(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("1234567890", 20)
	for _, test := range []struct{ spec, want string }{
		{"", `cron expression: "" has 0 fields: it must have 5, or 6 with the second first`},
		{" ", `cron expression: " " has 0 fields: it must have 5, or 6 with the second first`},
		{"0 9 * *", `cron expression: "0 9 * *" has 4 fields: it must have 5, or 6 with the second first`},
		{"0 0 9 * * * 2026", `cron expression: "0 0 9 * * * 2026" has 7 fields: it must have 5, or 6 with the second first`},
		{strings.Repeat(" ", 248) + "0 0 * * *", "cron expression: it has 257 bytes, of at most 256"},
		{"@every 5s", "cron expression: @every is no cron expression: use Every"},
		{"@EVERY", "cron expression: @every is no cron expression: use Every"},
		{"@reboot", `cron expression: "@reboot" is unknown: there are @yearly, @monthly, @weekly, @daily and @hourly`},
		{"@daily 5", `cron expression: "@daily 5" is unknown: there are @yearly, @monthly, @weekly, @daily and @hourly`},
		{"@", `cron expression: "@" is unknown: there are @yearly, @monthly, @weekly, @daily and @hourly`},
		{"60 * * * * *", `cron expression: second: "60" is not within 0 to 59`},
		{"60 * * * *", `cron expression: minute: "60" is not within 0 to 59`},
		{"0 24 * * *", `cron expression: hour: "24" is not within 0 to 23`},
		{"0 0 0 * *", `cron expression: day of month: "0" is not within 1 to 31`},
		{"0 0 32 * *", `cron expression: day of month: "32" is not within 1 to 31`},
		{"0 0 * 0 *", `cron expression: month: "0" is not within 1 to 12`},
		{"0 0 * 13 *", `cron expression: month: "13" is not within 1 to 12`},
		{"0 0 * * 8", `cron expression: day of week: "8" is not within 0 to 7`},
		{"0-60 * * * *", `cron expression: minute: "60" is not within 0 to 59`},
		{"18446744073709551616 * * * *", `cron expression: minute: "18446744073709551616" is not within 0 to 59`},
		{long + " * * * *", `cron expression: minute: "123456789012345678901234567890123456789…" is not within 0 to 59`},
		{"0 x" + long + " * * *", `cron expression: hour: "x12345678901234567890123456789012345678…" is not a number`},
		{"10-5 * * * *", `cron expression: minute: the range "10-5" is reversed`},
		{"0 0 * * 5-0", `cron expression: day of week: the range "5-0" is reversed`},
		{"0 0 * * fri-mon", `cron expression: day of week: the range "fri-mon" is reversed`},
		{"0 0 * dec-jan *", `cron expression: month: the range "dec-jan" is reversed`},
		{"1,,2 * * * *", "cron expression: minute: an item is empty"},
		{", * * * *", "cron expression: minute: an item is empty"},
		{"0 1, * * *", "cron expression: hour: an item is empty"},
		{"0 /2 * * *", `cron expression: hour: "" is not a number`},
		{"0 5- * * *", `cron expression: hour: "" is not a number`},
		{"0 -5 * * *", `cron expression: hour: "" is not a number`},
		{"0 +5 * * *", `cron expression: hour: "+5" is not a number`},
		{"0 1-2-3 * * *", `cron expression: hour: "2-3" is not a number`},
		{"0 *-5 * * *", `cron expression: hour: "*" is not a number`},
		{"0 ** * * *", `cron expression: hour: "**" is not a number`},
		{"0 1_0 * * *", `cron expression: hour: "1_0" is not a number`},
		{"0 0x1 * * *", `cron expression: hour: "0x1" is not a number`},
		{"0 0 L * *", `cron expression: day of month: "L" is not a number`},
		{"0 0 * * FRI#2", `cron expression: day of week: "FRI#2" is not a number`},
		{"0 0 * MON *", `cron expression: month: "MON" is not a number`},
		{"0 0 * JANUARY *", `cron expression: month: "JANUARY" is not a number`},
		{"0 0 * * \u017fun", "cron expression: day of week: \"\u017fun\" is not a number"},
		{"0 0 * * \xff", `cron expression: day of week: "\xff" is not a number`},
		{"TZ=UTC 0 9 * * *", `cron expression: second: "TZ=UTC" is not a number`},
		{"*/0 * * * *", `cron expression: minute: step "0" is not within 1 to 60`},
		{"*/61 * * * *", `cron expression: minute: step "61" is not within 1 to 60`},
		{"0 */25 * * *", `cron expression: hour: step "25" is not within 1 to 24`},
		{"*/ * * * *", `cron expression: minute: step "" is not a number`},
		{"*/2/3 * * * *", `cron expression: minute: step "2/3" is not a number`},
		{"*/-1 * * * *", `cron expression: minute: step "-1" is not a number`},
		{"0 0 31 2 *", `cron expression: "0 0 31 2 *" never matches: no such month has such a day`},
		{"0 0 30,31 2 *", `cron expression: "0 0 30,31 2 *" never matches: no such month has such a day`},
		{"0 0 31 2,4,6,9,11 0-7", `cron expression: "0 0 31 2,4,6,9,11 0-7" never matches: no such month has such a day`},
	} {
		t.Run(test.spec, func(t *testing.T) {
			t.Parallel()
			c, err := calendar.ParseCron(test.spec, "")
			require.EqualError(t, err, test.want)
			require.Nil(t, c)
		})
	}
}

func TestZones(t *testing.T) {
	t.Parallel()
	for _, zone := range []string{"", "UTC", "Etc/GMT+12", "America/Argentina/Buenos_Aires", "America/Port-au-Prince", "EST5EDT", "GB"} {
		t.Run(zone, func(t *testing.T) {
			t.Parallel()
			parse(t, "* * * * *", zone)
		})
	}
	const unknown = `the time zone %q is unknown: name one of IANA, such as "Europe/Berlin"`
	for _, test := range []struct{ zone, want string }{
		{"Local", `the time zone "Local" is another on each host: name one, such as "Europe/Berlin"`},
		{"Europe/Berlim", strings.Replace(unknown, "%q", `"Europe/Berlim"`, 1)},
		{"Europe", strings.Replace(unknown, "%q", `"Europe"`, 1)},
		{"europe/berlin", strings.Replace(unknown, "%q", `"europe/berlin"`, 1)},
		{"localtime", strings.Replace(unknown, "%q", `"localtime"`, 1)},
		{"posix/Europe/Berlin", strings.Replace(unknown, "%q", `"posix/Europe/Berlin"`, 1)},
		{"Europe//Berlin", strings.Replace(unknown, "%q", `"Europe//Berlin"`, 1)},
		{"Europe/./Berlin", strings.Replace(unknown, "%q", `"Europe/./Berlin"`, 1)},
		{"../Europe/Berlin", strings.Replace(unknown, "%q", `"../Europe/Berlin"`, 1)},
		{"/etc/localtime", strings.Replace(unknown, "%q", `"/etc/localtime"`, 1)},
		{"+02:00", strings.Replace(unknown, "%q", `"+02:00"`, 1)},
		{"Europe/Berlin ", strings.Replace(unknown, "%q", `"Europe/Berlin "`, 1)},
		{"UTC\x00", strings.Replace(unknown, "%q", `"UTC\x00"`, 1)},
		{strings.Repeat("A", 1<<20), strings.Replace(unknown, "%q", `"`+strings.Repeat("A", 39)+`…"`, 1)},
	} {
		t.Run("not "+test.zone[:min(20, len(test.zone))], func(t *testing.T) {
			t.Parallel()
			c, err := calendar.ParseCron("* * * * *", test.zone)
			require.EqualError(t, err, test.want)
			require.Nil(t, c)
		})
	}
}
