package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/examples/analytics/metrics"
	"github.com/troupe-go/troupe/examples/internal/stage"
)

var tour = stage.Tour{
	Calls: []stage.Call{
		{Type: "orderMetrics", Key: "main", Action: "record", Input: "250"},
		{Type: "analytics", Key: "main", Action: "generateReport", Input: `"hourly"`},
		{Type: "analytics", Key: "main", Action: "listReports"},
		{Type: "userMetrics", Key: "main", Action: "getStats"},
	},
}

// scene records some numbers and has a report made of them.
func scene(ctx context.Context, s *stage.Stage, c *client.Client) error {
	s.Title("Aggregation", "An actor asks three others for their numbers, all at the same time, and makes a report of them.")
	if err := recordAll(ctx, s, c); err != nil {
		return err
	}
	analytics := troupe.GetOrCreate[metrics.Analytics](c, "main")
	began := time.Now()
	report, err := metrics.GenerateReport.Call(ctx, analytics, "daily")
	if err != nil {
		return fmt.Errorf("the daily report: %w", err)
	}
	s.Done("made the %s report %s  %s", report.Type, report.ID[:8], s.Dim(time.Since(began).Round(10*time.Microsecond).String()))
	s.Line("")
	s.Line("%s", s.Dim(fmt.Sprintf("%-10s %8s %10s %10s", "", "count", "total", "average")))
	for _, row := range []struct {
		name  string
		stats metrics.Stats
	}{{"users", report.Data.Users}, {"orders", report.Data.Orders}, {"system", report.Data.System}} {
		average := float64(row.stats.Total) / float64(max(1, row.stats.Count))
		s.Line("%-10s %8d %10d %10.1f", row.name, row.stats.Count, row.stats.Total, average)
	}

	reports, err := metrics.ListReports.Call(ctx, analytics, nil)
	if err != nil {
		return fmt.Errorf("listing the reports: %w", err)
	}
	s.Line("")
	s.Line("Reports so far: %d. The numbers grow with each run.", len(reports))
	return nil
}

// recordAll is a day at the office.
func recordAll(ctx context.Context, s *stage.Stage, c *client.Client) error {
	users := troupe.GetOrCreate[metrics.UserMetrics](c, "main")
	orders := troupe.GetOrCreate[metrics.OrderMetrics](c, "main")
	system := troupe.GetOrCreate[metrics.SystemMetrics](c, "main")
	for _, step := range []struct {
		what   string
		values []int
		record func(context.Context, int) (metrics.Stats, error)
	}{
		{"visits of users, in minutes", []int{3, 12, 1, 7, 25}, users.Record},
		{"orders, in euros", []int{200, 45, 310}, orders.Record},
		{"restarts of the system, in seconds", []int{19}, system.Record},
	} {
		for _, value := range step.values {
			if _, err := step.record(ctx, value); err != nil {
				return fmt.Errorf("recording %s: %w", step.what, err)
			}
		}
		s.Done("recorded %-34s  %s", step.what, strings.Trim(fmt.Sprint(step.values), "[]"))
	}
	return nil
}
