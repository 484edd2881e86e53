package main

import (
	"crypto/rand"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/examples/analytics/metrics"
)

const keptReports = 100 // a record is written whole, so it should not grow for ever

// The actor types of the analytics. Three contracts share one implementation.
var (
	users = actorhost.Define(noMetrics,
		actorhost.On(metrics.GetUserStats, actorhost.NoIn((*metricsState).getStats)),
		actorhost.On(metrics.RecordUser, (*metricsState).record))
	orders = actorhost.Define(noMetrics,
		actorhost.On(metrics.GetOrderStats, actorhost.NoIn((*metricsState).getStats)),
		actorhost.On(metrics.RecordOrder, (*metricsState).record))
	system = actorhost.Define(noMetrics,
		actorhost.On(metrics.GetSystemStats, actorhost.NoIn((*metricsState).getStats)),
		actorhost.On(metrics.RecordSystem, (*metricsState).record))
	analytics = actorhost.Define(func() analyticsState { return analyticsState{} },
		actorhost.On(metrics.GenerateReport, (*analyticsState).generateReport),
		actorhost.On(metrics.ListReports, actorhost.NoIn((*analyticsState).listReports)))

	actors = []actorhost.Definition{users, orders, system, analytics}
)

// metricsState is what one metric has counted.
type metricsState struct {
	Stats metrics.Stats `json:"stats"`
}

func noMetrics() metricsState { return metricsState{} }

func (s *metricsState) record(_ *actorhost.Context, value int) (metrics.Stats, error) {
	s.Stats.Count++
	s.Stats.Total += value
	return s.Stats, nil
}

func (s *metricsState) getStats(*actorhost.Context) (metrics.Stats, error) { return s.Stats, nil }

// analyticsState is the reports that were made.
type analyticsState struct {
	Reports []metrics.Report `json:"reports"`
}

// generateReport makes three calls at once. The goroutines only fill in data, each its own part; the state belongs to
// the action, which waits for them.
func (s *analyticsState) generateReport(c *actorhost.Context, reportType string) (metrics.Report, error) {
	users := troupe.GetOrCreate[metrics.UserMetrics](c, "main")
	orders := troupe.GetOrCreate[metrics.OrderMetrics](c, "main")
	system := troupe.GetOrCreate[metrics.SystemMetrics](c, "main")

	var data metrics.Data
	calls, ctx := errgroup.WithContext(c)
	calls.Go(func() (err error) { data.Users, err = users.GetStats(ctx); return err })
	calls.Go(func() (err error) { data.Orders, err = orders.GetStats(ctx); return err })
	calls.Go(func() (err error) { data.System, err = system.GetStats(ctx); return err })
	if err := calls.Wait(); err != nil {
		return metrics.Report{}, err
	}

	report := metrics.Report{ID: rand.Text(), Type: reportType, Data: data, GeneratedAt: time.Now().UTC()}
	s.Reports = append(s.Reports, report)
	s.Reports = s.Reports[max(0, len(s.Reports)-keptReports):]
	return report, nil
}

func (s *analyticsState) listReports(*actorhost.Context) ([]metrics.Report, error) {
	return s.Reports, nil
}
