package inspect

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/record"
)

// timeline is a workflow with its steps, each a bar over the time from its beginning to its end or now.
type timeline struct {
	troupe.WorkflowRun

	Input  string
	Result string
	Took   time.Duration
	Bars   []bar
	Left   int // steps that are not shown, before the others
}

// bar is a step that is done, or one that waits.
type bar struct {
	Name, Kind string
	After      time.Duration // from the beginning of the workflow
	Took       time.Duration
	Tries      int
	Waits      bool
	Failed     bool
	Text       string  // what it has given, or waits for, or its error
	X, Width   float64 // of 1,000
}

const (
	mostBars = 200
	barSpan  = 1000
	thinnest = 6.0
)

func timelineOf(stored *record.Workflow, now time.Time) *timeline {
	run := stored.Show()
	end := now
	if run.Status.Over() {
		end = run.Ended
	}
	t := &timeline{WorkflowRun: run, Input: value(run.Input), Result: value(run.Result), Took: max(end.Sub(run.Began), 0), Left: run.Before}
	add := func(b bar, from, to time.Time) {
		b.After, b.Took, b.Tries = from.Sub(run.Began), to.Sub(from), max(b.Tries, 1)
		at := func(d time.Duration) float64 {
			return min(max(float64(d)/max(float64(t.Took), 1), 0), 1) * barSpan
		}
		b.X = min(at(b.After), barSpan-thinnest)
		b.Width = max(at(b.After+b.Took)-b.X, thinnest)
		t.Bars = append(t.Bars, b)
	}
	steps := run.Steps
	if more := len(steps) - mostBars; more > 0 {
		t.Left += more
		steps = steps[more:]
	}
	for i := range steps {
		one := &steps[i]
		b := bar{Name: one.Name, Kind: one.Kind, Tries: one.Attempts, Text: value(one.Result)}
		if one.Error != "" {
			b.Text, b.Failed = one.Error, true
		}
		add(b, one.Began, one.Ended)
	}
	for i := range run.Waits[:min(len(run.Waits), mostBars)] {
		one := &run.Waits[i]
		b := bar{Name: one.Name, Kind: one.Kind, Tries: one.Attempts, Waits: true, Failed: one.Error != "", Text: waitText(one)}
		add(b, one.Since, end)
	}
	return t
}

// waitText says what a step waits for.
func waitText(w *troupe.WorkflowWait) string {
	text := "waits"
	if w.Signal != "" {
		text += " for the signal " + w.Signal
	}
	if !w.Until.IsZero() {
		text += ", until " + w.Until.UTC().Format(time.DateTime) + " UTC"
	}
	if w.Error != "" {
		text += ": " + w.Error
	}
	return text
}

// mostValue is how many bytes of a value are shown in a line.
const mostValue = 200

// value is a value in one line.
func value(v any) string {
	if v == nil {
		return ""
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false) // the template does
	if err := encoder.Encode(v); err != nil {
		out.Reset()
		fmt.Fprint(&out, v)
	}
	return cut(strings.TrimSuffix(out.String(), "\n"))
}

// cut is a text of which no more is shown than fits into a line.
func cut(text string) string {
	if len(text) > mostValue {
		return shortened(text, mostValue) + "…"
	}
	return text
}

// shortened is the beginning of a text, of whole characters.
func shortened(text string, most int) string { return strings.ToValidUTF8(text[:max(most, 0)], "") }
