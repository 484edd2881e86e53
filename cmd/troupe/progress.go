package main

import (
	"io"
	"time"

	"github.com/jedib0t/go-pretty/v6/progress"
)

// showProgress shows a progress bar, and returns a function that ends it. What is what is done.
func showProgress(w io.Writer, what string, total int64, done func() int64) (end func()) {
	const barLength, updateEvery = 40, 100 * time.Millisecond
	bar := progress.NewWriter()
	bar.SetOutputWriter(w)
	bar.SetAutoStop(true)
	bar.SetTrackerLength(barLength)
	bar.SetUpdateFrequency(updateEvery)
	style := progress.StyleBlocks
	style.Visibility = progress.StyleVisibility{Percentage: true, Tracker: true, Time: true}
	bar.SetStyle(style)
	tracker := &progress.Tracker{Message: what, Total: total, AutoStopDisabled: true}
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
				tracker.SetValue(min(done(), total))
			case <-quit:
				return
			}
		}
	}()
	return func() {
		close(quit)
		<-ended
		tracker.MarkAsDone() // stops the bar
		<-rendered
	}
}
