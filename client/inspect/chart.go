package inspect

import (
	"fmt"
	"strings"
	"time"
)

// chart is a line over the time that was looked at, in a box of chartWidth by chartHeight.
type chart struct {
	Title  string
	Now    string
	Most   string
	Points string // of a polyline
	Area   string // the same, closed below
	Width  int
	Height int
}

const (
	chartWidth  = 480
	chartHeight = 80
)

// charts are those of the overview: none before there are two spans to connect.
func charts(spans []span) []chart {
	if len(spans) < 2 {
		return nil
	}
	calls, slow := make([]float64, len(spans)), make([]float64, len(spans))
	for i, one := range spans {
		sum := together(one.Turns)
		calls[i] = float64(sum.Calls) / max(one.Took.Seconds(), 1e-3)
		slow[i] = sum.Total.Quantile(rare).Seconds()
	}
	perSecond := func(v float64) string { return rate(int64(v*1000), 1000*time.Second) + "/s" }
	seconds := func(v float64) string { return duration(time.Duration(v * float64(time.Second))) }
	return []chart{line("Calls", spans, calls, perSecond), line("p99", spans, slow, seconds)}
}

// line draws values at the times of spans.
func line(title string, spans []span, values []float64, text func(float64) string) chart {
	first, last := spans[0].At, spans[len(spans)-1].At
	most := 0.0
	for _, v := range values {
		most = max(most, v)
	}
	c := chart{Title: title, Now: text(values[len(values)-1]), Most: text(most), Width: chartWidth, Height: chartHeight}
	var points strings.Builder
	for i, v := range values {
		x := float64(chartWidth) * spans[i].At.Sub(first).Seconds() / max(last.Sub(first).Seconds(), 1e-3)
		y := chartHeight - (chartHeight-4)*v/max(most, 1e-12) - 2
		fmt.Fprintf(&points, "%.1f,%.1f ", x, y)
	}
	c.Points = strings.TrimSpace(points.String())
	c.Area = fmt.Sprintf("0,%d %s %d,%d", chartHeight, c.Points, chartWidth, chartHeight)
	return c
}
