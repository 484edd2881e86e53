package main

import (
	"context"
	"errors"
	"log/slog"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
)

// A drone flies by itself: how, its key says.
type drone struct{ troupe.Ref }

func (drone) ActorType() string { return "drone" }

var errNoWind = errors.New("no wind")

var drones = actorhost.Define(func() struct{} { return struct{}{} },
	actorhost.On(troupe.NewAction[drone, troupe.None, troupe.None]("look"),
		func(*struct{}, *actorhost.Context, troupe.None) (troupe.None, error) { return nil, nil }),
).Loop(func(l *actorhost.Loop[struct{}]) error {
	switch l.Key()[0] {
	case "fails":
		return errNoWind
	case "pauses":
		l.Pause(24 * time.Hour)
	case "flies":
		<-l.Done()
	}
	return nil
})

func TestWhatLoopsDoIsShown(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	host, err := actorhost.Start(t.Context(), connect(t, server), actorhost.Config{Logger: slog.New(slog.DiscardHandler)}, drones)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, host.Stop(context.Background())) })
	p := at(server.URL())
	for key, want := range map[string]string{
		"flies": "Loop      runs\n", "fails": `Loop      failed \d+ times, runs again at .*: no wind\n`, "pauses": "Loop      pauses until .*\n", "ends": "Loop      ended\n",
	} {
		require.Equal(t, exitOK, p.run(t.Context(), "call", "drone", key, "look").code)
		require.Eventually(t, func() bool {
			return regexp.MustCompile(want).MatchString(p.run(t.Context(), "info", "drone", key).out)
		}, 20*time.Second, 20*time.Millisecond, "%s: %s", key, want)
	}
	require.Equal(t, exitOK, p.run(t.Context(), "sleep", "drone", "pauses").code)
	require.Regexp(t, "Loop      pauses until .*\n", p.run(t.Context(), "info", "drone", "pauses").out, "asleep")
	require.NotContains(t, p.run(t.Context(), "schedule", "ls").out, "_loop")
	require.Eventually(t, func() bool {
		got := p.run(t.Context(), "hosts")
		return regexp.MustCompile("the run loops of 1 actors have failed").MatchString(got.err)
	}, 20*time.Second, 20*time.Millisecond)
	require.Regexp(t, `"loop_failures":[1-9]\d*,"loops_waiting":[01]`, p.run(t.Context(), "hosts", "--json").out)
}
