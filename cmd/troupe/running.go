package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/troupe-go/troupe/internal/look"
	"github.com/troupe-go/troupe/internal/wire"
)

// runText says what runs: "action hang of stuck/a for 5.0s, request order-17".
func runText(r *wire.RunningTurn) string {
	text := string(r.Kind)
	if r.Name != "" {
		text += " " + r.Name
	}
	text += " of " + look.TokensText(r.Actor) + " for " + formatTime(time.Duration(r.For)*time.Millisecond)
	if r.RequestID != "" {
		text += ", request " + r.RequestID
	}
	return stripControls(text)
}

// formatTime formats a time that something takes: with three digits.
func formatTime(d time.Duration) string {
	switch {
	case d <= 0:
		return "-"
	case d >= 10*time.Minute:
		return formatDuration(d)
	case d >= 10*time.Second:
		return d.Round(time.Second).String()
	}
	unit := time.Microsecond
	for d >= 1000*unit {
		unit *= 10
	}
	return d.Round(unit).String()
}

// stripControlsOfLines is [stripControls] for text of several lines.
func stripControlsOfLines(text string) string {
	lines := strings.Split(strings.ReplaceAll(text, "\t", "    "), "\n")
	for i := range lines {
		lines[i] = stripControls(lines[i])
	}
	return strings.Join(lines, "\n")
}

// perSecond formats a rate.
func perSecond(n int64, d time.Duration) string {
	switch rate := float64(n) / max(d.Seconds(), 1e-9); {
	case n == 0:
		return "-"
	case rate < 10:
		return fmt.Sprintf("%.1f", rate)
	default:
		return fmt.Sprintf("%.0f", rate)
	}
}
