package main

import (
	"io"
	"time"

	"github.com/jedib0t/go-pretty/v6/progress"
)

// showProgress shows how far it is, and returns the function that ends that.
func (m *measurement) showProgress(w io.Writer) (end func()) {
	const barLength, updateEvery = 40, 100 * time.Millisecond
	bar := progress.NewWriter()
	bar.SetOutputWriter(w)
	bar.SetAutoStop(true)
	bar.SetTrackerLength(barLength)
	bar.SetUpdateFrequency(updateEvery)
	style := progress.StyleBlocks
	style.Visibility = progress.StyleVisibility{Percentage: true, Tracker: true, Time: true}
	bar.SetStyle(style)
	began := time.Now()
	total, now := m.bench.Duration.Milliseconds(), func() int64 { return time.Since(began).Milliseconds() }
	if m.bench.Count > 0 {
		total, now = 2*int64(m.bench.Count), m.done.Load
	}
	tracker := &progress.Tracker{Message: "measuring", Total: total, AutoStopDisabled: true}
	bar.AppendTracker(tracker)
	quit, ended := make(chan struct{}), make(chan struct{})
	rendered := make(chan struct{})
	go func() { defer close(rendered); bar.Render() }()
	go func() {
		defer close(ended)
		tick := time.NewTicker(updateEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				tracker.SetValue(min(now(), total))
			case <-quit:
				return
			}
		}
	}()
	return func() {
		close(quit)
		<-ended
		tracker.MarkAsDone() // and so the bar stops
		<-rendered
	}
}
