package main

import (
	"fmt"
	"time"
)

// formatSize formats a number of bytes for people.
func formatSize(bytes int) string {
	switch n := float64(bytes); {
	case bytes < 1<<10:
		return fmt.Sprintf("%d B", bytes)
	case bytes < 1<<20:
		return fmt.Sprintf("%.1f KiB", n/(1<<10))
	default:
		return fmt.Sprintf("%.1f MiB", n/(1<<20))
	}
}

// formatAge formats how long ago something was. The clocks of the server and of this machine may differ.
func formatAge(d time.Duration) string {
	if d < time.Second {
		return "now"
	}
	return formatDuration(d) + " ago"
}

// formatDuration formats a duration for people.
func formatDuration(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", max(d, 0)/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d < 2*day:
		return fmt.Sprintf("%dh", d/time.Hour)
	default:
		return fmt.Sprintf("%dd", d/day)
	}
}
