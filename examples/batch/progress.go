package main

import (
	"io"
	"sync"
	"time"

	"github.com/jedib0t/go-pretty/v6/progress"
)

// bar shows how far a batch is, on a terminal.
type bar struct {
	writer  progress.Writer
	tracker *progress.Tracker
	drawing sync.WaitGroup
}

func newBar(out io.Writer, total int) *bar {
	b := &bar{writer: progress.NewWriter(), tracker: &progress.Tracker{Message: "  processing", Total: int64(total)}}
	b.writer.SetOutputWriter(out)
	b.writer.SetAutoStop(true) // rather than Stop, which does nothing when the drawing has not begun yet
	b.writer.SetUpdateFrequency(50 * time.Millisecond)
	b.writer.SetMessageLength(14)
	b.writer.SetTrackerLength(40)
	b.writer.SetTrackerPosition(progress.PositionRight)
	style := progress.StyleBlocks // without colors
	style.Visibility.Speed = true
	style.Visibility.TrackerOverall = false
	style.Options.SpeedSuffix = " items/s"
	b.writer.SetStyle(style)
	b.writer.AppendTracker(b.tracker)
	b.drawing.Go(b.writer.Render)
	return b
}

func (b *bar) increment() { b.tracker.Increment(1) }

// close draws the bar for the last time, also when the batch was given up.
func (b *bar) close() {
	if !b.tracker.IsDone() {
		b.tracker.MarkAsErrored()
	}
	b.drawing.Wait()
}
