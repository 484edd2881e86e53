package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/examples/analytics/metrics"
	"github.com/troupe-go/troupe/examples/internal/stage/stagetest"
)

func TestMain(m *testing.M) { hosttest.Main(m) }

func TestProgram(t *testing.T) {
	t.Parallel()
	stagetest.RunTwice(t, run)
	stagetest.Take(t, tour, actors...)
}

func TestReportHasTheStatsOfAllThree(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, actors...)
	analytics := troupe.GetOrCreate[metrics.Analytics](b.Client, "main")
	for _, value := range []int{10, 20} {
		_, err := troupe.GetOrCreate[metrics.UserMetrics](b.Client, "main").Record(t.Context(), value)
		require.NoError(t, err)
	}
	_, err := troupe.GetOrCreate[metrics.OrderMetrics](b.Client, "main").Record(t.Context(), 7)
	require.NoError(t, err)

	began := time.Now().Add(-time.Second)
	report, err := metrics.GenerateReport.Call(t.Context(), analytics, "daily")
	require.NoError(t, err)
	require.Equal(t, "daily", report.Type)
	require.NotEmpty(t, report.ID)
	require.WithinRange(t, report.GeneratedAt, began, time.Now().Add(time.Second))
	require.Equal(t, metrics.Data{Users: metrics.Stats{Count: 2, Total: 30}, Orders: metrics.Stats{Count: 1, Total: 7}}, report.Data)

	second, err := metrics.GenerateReport.Call(t.Context(), analytics, "weekly")
	require.NoError(t, err)
	require.NotEqual(t, report.ID, second.ID)
	reports, err := metrics.ListReports.Call(t.Context(), analytics, nil)
	require.NoError(t, err)
	require.Equal(t, []metrics.Report{report, second}, reports)
}

func TestNoReportWhenOneOfThemFails(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, users, orders, analytics) // nobody runs system metrics
	reporter := troupe.GetOrCreate[metrics.Analytics](b.Client, "main")
	_, err := metrics.GenerateReport.Call(t.Context(), reporter, "daily")
	require.ErrorIs(t, err, troupe.ErrUnknownType)
	require.ErrorContains(t, err, "systemMetrics")
	reports, err := metrics.ListReports.Call(t.Context(), reporter, nil)
	require.NoError(t, err)
	require.Empty(t, reports)
}
