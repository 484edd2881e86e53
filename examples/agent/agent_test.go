package main

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/examples/agent/watch"
	"github.com/troupe-go/troupe/examples/internal/stage/stagetest"
)

func TestMain(m *testing.M) { hosttest.Main(m) }

func TestProgram(t *testing.T) {
	t.Parallel()
	stagetest.RunTwice(t, run)
	stagetest.Take(t, tour, actors...)
}

// TestAgentLooksByItself has the host of an agent stop in the middle. In virtual time.
func TestAgentLooksByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := hosttest.Start(t)
		first := b.Host(actors...)
		agent, page := troupe.GetOrCreate[watch.Agent](b.Client, "anna"), troupe.GetOrCreate[watch.Page](b.Client, "weather")
		_, err := watch.Edit.Call(t.Context(), page, "sunny")
		require.NoError(t, err)
		_, err = watch.Follow.Call(t.Context(), agent, watch.Task{Page: "weather", Every: 10 * time.Second})
		require.NoError(t, err)
		pass := func(d time.Duration) { time.Sleep(d) } //nolint:forbidigo // virtual time
		pass(95 * time.Second)
		b.Host(actors...)
		b.Stop(first)
		pass(60 * time.Second)
		_, err = watch.Edit.Call(t.Context(), page, "rain")
		require.NoError(t, err)
		pass(15 * time.Second)
		report, err := watch.Look.Call(t.Context(), agent, nil)
		require.NoError(t, err)
		require.Equal(t, watch.Report{Page: "weather", Text: "rain", Polls: report.Polls, Changes: 2}, report)
		require.InDelta(t, 17, report.Polls, 2)
	})
}
