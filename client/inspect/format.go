package inspect

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"net/url"
	"reflect"
	"strings"
	"time"
	"unicode"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/look"
	"github.com/troupe-go/troupe/internal/wire"
)

// The shares that percentiles are of.
const usual, rare = 0.5, 0.99

// functions are those that templates use.
func functions() template.FuncMap {
	return template.FuncMap{
		"actor": actorText, "actorLink": actorLink, "age": age, "clean": clean, "cleanLines": cleanLines, "clock": clock,
		"moment":   func(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.DateTime) + " UTC" },
		"duration": duration, "ms": milliseconds,
		"msf":  func(ms float64) string { return duration(time.Duration(ms * float64(time.Millisecond))) },
		"rate": rate, "size": func(bytes reflect.Value) string { return size(bytes.Int()) },
		"sum": sum, "p50": func(s wire.Spread) string { return duration(s.Quantile(usual)) },
		"p99": func(s wire.Spread) string { return duration(s.Quantile(rare)) }, "since": time.UnixMilli,
		"total": func(f wire.TurnFigures) wire.Spread {
			if f.Total.Count == 0 { // nobody waits for it
				return f.Run
			}
			return f.Total
		},
		"typeLink": func(name string) string { return "type?name=" + url.QueryEscape(name) },
		"keyLink":  keyLink, "tabLink": tabLink, "brief": brief,
		"add":          func(a float64, b int) float64 { return a + float64(b) },
		"neighboursOf": func(link string) string { return "neighbours" + strings.TrimPrefix(link, "actor") }, "confirmLink": confirmLink,
		"actLink": actLink, "hostLink": hostLink,
		"short": func(id string) string { return clean(id[:min(len(id), 6)]) },
	}
}

// clean makes what cannot be seen visible: control characters, and those that change the direction of what stands around them.
func clean(text string) string { return cleaned(text, false) }

// cleanLines is clean for text of several lines.
func cleanLines(text string) string { return cleaned(text, true) }

func cleaned(text string, lines bool) string {
	hidden := func(r rune) bool {
		return !unicode.IsPrint(r) && (!lines || r != '\n' && r != '\t')
	}
	if !strings.ContainsFunc(text, hidden) {
		return text
	}
	var out strings.Builder
	for _, r := range text {
		if hidden(r) {
			fmt.Fprintf(&out, `\u%04x`, r)
		} else {
			out.WriteRune(r)
		}
	}
	return out.String()
}

// actorText is an actor as people read it, from its tokens.
func actorText(tokens string) string {
	id, err := troupe.ParseID(tokens)
	if err != nil {
		return clean(tokens)
	}
	return look.ActorText(id)
}

// actorLink is where an actor is shown, from its tokens; empty if they are none of an actor.
func actorLink(tokens string) string {
	id, err := troupe.ParseID(tokens)
	if err != nil {
		return ""
	}
	return keyLink(id.Type(), look.KeyText(id))
}

func keyLink(actorType, key string) string {
	return "actor?" + url.Values{"type": {actorType}, "key": {key}}.Encode()
}

func actLink(actorType, key string) string {
	return "act" + strings.TrimPrefix(keyLink(actorType, key), "actor")
}

func hostLink(id string) string { return "host?id=" + url.QueryEscape(id) }

// mostBrief is how many characters a box of a picture has room for.
const mostBrief = 29

// brief is the beginning and the end of a text that is too long for a box.
func brief(text string) string {
	all := []rune(text)
	if len(all) <= mostBrief {
		return text
	}
	const end = mostBrief / 2
	return string(all[:mostBrief-end-1]) + "…" + string(all[len(all)-end:])
}

// tabLink is where a page of an actor is.
func tabLink(name, actorType, key string) string {
	return name + "?" + url.Values{"type": {actorType}, "key": {key}}.Encode()
}

// confirmLink is where it is asked whether a change of an actor is meant.
func confirmLink(verb, actorType, key string, pairs ...string) string {
	query := url.Values{"verb": {verb}, "type": {actorType}, "key": {key}}
	for i := 0; i+1 < len(pairs); i += 2 {
		query.Set(pairs[i], pairs[i+1])
	}
	return "confirm?" + query.Encode()
}

func clock(t time.Time) string { return t.UTC().Format("15:04:05") + " UTC" }

func milliseconds(ms int64) string { return duration(time.Duration(ms) * time.Millisecond) }

// duration is a time that something takes, with three digits or two units.
func duration(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d <= 0:
		return "–"
	case d >= 2*day:
		return fmt.Sprintf("%d d", d/day)
	case d >= time.Hour:
		return fmt.Sprintf("%d h %d min", d/time.Hour, d%time.Hour/time.Minute)
	case d >= 10*time.Minute:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d >= time.Minute:
		return fmt.Sprintf("%d min %d s", d/time.Minute, d%time.Minute/time.Second)
	case d >= time.Second:
		return fmt.Sprintf("%.3g s", d.Seconds())
	case d >= time.Millisecond:
		return fmt.Sprintf("%.3g ms", float64(d)/float64(time.Millisecond))
	}
	return fmt.Sprintf("%.3g µs", float64(d)/float64(time.Microsecond))
}

// age says how long ago something was, or how soon it is. The clocks of the server and of this machine may differ.
func age(t time.Time) string {
	switch d := time.Since(t).Round(time.Second); {
	case t.IsZero():
		return "–"
	case d <= -time.Second:
		return "in " + duration(-d)
	case d < time.Second:
		return "now"
	default:
		return duration(d) + " ago"
	}
}

func size(bytes int64) string {
	switch n := float64(bytes); {
	case bytes < 1<<10:
		return fmt.Sprintf("%d B", bytes)
	case bytes < 1<<20:
		return fmt.Sprintf("%.1f KiB", n/(1<<10))
	default:
		return fmt.Sprintf("%.1f MiB", n/(1<<20))
	}
}

// rate is how often something happens in a second, or how often it has happened if the time is zero.
func rate(n int64, took time.Duration) string {
	switch perSecond := float64(n) / max(took.Seconds(), 1e-9); {
	case n == 0:
		return "–"
	case took == 0:
		return fmt.Sprint(n)
	case perSecond < 10:
		return fmt.Sprintf("%.1f", perSecond)
	default:
		return fmt.Sprintf("%.0f", perSecond)
	}
}

func sum(counts map[string]int64) (n int64) {
	for _, one := range counts {
		n += one
	}
	return n
}

// stateText is a state in JSON as people read it, and whether that is only its beginning.
func stateText(state json.RawMessage, most int) (text string, isCut bool) {
	var out bytes.Buffer
	if json.Indent(&out, state, "", "  ") != nil {
		out.Reset()
		out.Write(state)
	}
	shown := out.String()
	if isCut = len(shown) > most; isCut {
		shown = shortened(shown, most)
	}
	return cleanLines(shown), isCut
}
