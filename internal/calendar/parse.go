package calendar

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

const (
	maxLength = 256 // bytes of an expression, and of the name of a zone
	maxQuoted = 40  // characters in an error
)

// ParseCron parses a cron expression in a time zone.
//
// The expression has 5 fields: minute (0-59), hour (0-23), day of the month (1-31), month (1-12 or JAN-DEC) and day of the
// week (0-7 or SUN-SAT; 0 and 7 are Sunday); or 6, of which the first is the second (0-59), else 0. A field is a list, with
// commas, of numbers, ranges "10-40", all values "*" or "?", and each of these with a step: "*/15", "10-40/5", and "5/15"
// from 5 on. A range has the lower number first; "FRI-SUN" is "5-7". Instead of fields there may be @yearly, @annually,
// @monthly, @weekly, @daily, @midnight or @hourly. Upper and lower case are the same.
//
// If neither the day of the month nor that of the week has all its values, a day that matches either of them matches, as
// usual with cron. So "0 0 29 2 1" is on 29 February and on each Monday in February.
//
// The zone is a name of IANA; "" is UTC. "Local" is an error, since it differs from host to host.
//
// It is an error if the expression is longer than 256 bytes, or never matches, as on 31 February.
func ParseCron(spec, zone string) (*Cron, error) {
	f, err := parseFields(spec)
	if err != nil {
		return nil, fmt.Errorf("cron expression: %w", err)
	}
	z, err := loadZone(zone)
	if err != nil {
		return nil, err
	}
	return &Cron{fields: f, zone: z}, nil
}

var shorthands = map[string]string{
	"@yearly":   "0 0 1 1 *",
	"@annually": "0 0 1 1 *",
	"@monthly":  "0 0 1 * *",
	"@weekly":   "0 0 * * 0",
	"@daily":    "0 0 * * *",
	"@midnight": "0 0 * * *",
	"@hourly":   "0 * * * *",
}

func parseFields(spec string) (f fields, err error) {
	if len(spec) > maxLength {
		return f, fmt.Errorf("it has %d bytes, of at most %d", len(spec), maxLength)
	}
	texts := strings.Fields(spec)
	if len(texts) > 0 && texts[0][0] == '@' {
		name := strings.ToLower(strings.Join(texts, " "))
		if strings.HasPrefix(name, "@every") {
			return f, errors.New("@every is no cron expression: use Every")
		}
		long, ok := shorthands[name]
		if !ok {
			return f, fmt.Errorf("%s is unknown: there are @yearly, @monthly, @weekly, @daily and @hourly", quoted(spec))
		}
		texts = strings.Fields(long)
	}
	if len(texts) == 5 {
		texts = slices.Insert(texts, 0, "0")
	}
	if len(texts) != 6 {
		return f, fmt.Errorf("%s has %d fields: it must have 5, or 6 with the second first", quoted(spec), len(texts))
	}
	for i, to := range []*set{&f.second, &f.minute, &f.hour, &f.day, &f.month, &f.weekday} {
		if *to, err = kinds[i].parse(texts[i]); err != nil {
			return f, fmt.Errorf("%s: %w", kinds[i].name, err)
		}
	}
	if f.nextMatch(0) == never {
		return f, fmt.Errorf("%s never matches: no such month has such a day", quoted(spec))
	}
	return f, nil
}

// kind is what a field may have.
type kind struct {
	name      string
	low, high int
	also      int      // a number above high that is the same as low
	names     []string // of low and those that follow
}

var kinds = [...]kind{
	{name: "second", high: 59},
	{name: "minute", high: 59},
	{name: "hour", high: 23},
	{name: "day of month", low: 1, high: 31},
	{name: "month", low: 1, high: 12, names: strings.Fields("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC")},
	{name: "day of week", high: 6, also: 7, names: strings.Fields("SUN MON TUE WED THU FRI SAT")},
}

func (k *kind) parse(text string) (all set, err error) {
	for item := range strings.SplitSeq(text, ",") {
		some, err := k.item(item)
		if err != nil {
			return 0, err
		}
		all |= some
	}
	if k.also > 0 && all&between(k.also, k.also) != 0 {
		all = all&^between(k.also, k.also) | between(k.low, k.low)
	}
	return all, nil
}

// item parses one item of a list.
func (k *kind) item(item string) (set, error) {
	if item == "" {
		return 0, errors.New("an item is empty")
	}
	text, stepText, stepped := strings.Cut(item, "/")
	low, high, err := k.span(text, stepped)
	if err != nil {
		return 0, err
	}
	step := 1
	if stepped {
		if step, err = number(stepText, 1, k.high-k.low+1); err != nil {
			return 0, fmt.Errorf("step %w", err)
		}
	}
	var all set
	for n := low; n <= high; n += step {
		all |= between(n, n)
	}
	return all, nil
}

// span parses an item without its step. A single number that has a step goes on to the end.
func (k *kind) span(text string, stepped bool) (low, high int, err error) {
	if text == "*" || text == "?" {
		return k.low, k.high, nil
	}
	lowText, highText, ranged := strings.Cut(text, "-")
	if low, err = k.value(lowText); err != nil {
		return 0, 0, err
	}
	switch {
	case !ranged && stepped:
		return low, max(low, k.high), nil
	case !ranged:
		return low, low, nil
	}
	if high, err = k.value(highText); err != nil {
		return 0, 0, err
	}
	if high < low && k.also > 0 && k.named(highText) == k.low {
		high = k.also
	}
	if high < low {
		return 0, 0, fmt.Errorf("the range %s is reversed", quoted(text))
	}
	return low, high, nil
}

// value parses a number or a name.
func (k *kind) value(text string) (int, error) {
	if n := k.named(text); n >= 0 {
		return n, nil
	}
	return number(text, k.low, max(k.high, k.also))
}

// named is the number that has a name, or -1.
func (k *kind) named(text string) int {
	for i, name := range k.names {
		if len(text) == len(name) && strings.EqualFold(text, name) { // there are letters outside ASCII that are equal to S
			return k.low + i
		}
	}
	return -1
}

func number(text string, low, high int) (int, error) {
	n, err := strconv.ParseUint(text, 10, 64)
	switch {
	case errors.Is(err, strconv.ErrSyntax):
		return 0, fmt.Errorf("%s is not a number", quoted(text))
	case n < uint64(low) || n > uint64(high):
		return 0, fmt.Errorf("%s is not within %d to %d", quoted(text), low, high)
	}
	return int(n), nil
}

// quoted is a text in an error.
func quoted(text string) string {
	if runes := []rune(text); len(runes) > maxQuoted {
		text = string(runes[:maxQuoted-1]) + "…"
	}
	return strconv.Quote(text)
}
