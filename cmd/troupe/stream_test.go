package main

import (
	"context"
	"iter"
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
)

type ticker struct{ troupe.Ref }

func (ticker) ActorType() string { return "ticker" }

type tick struct {
	N    int    `json:"n"`
	Text string `json:"text"`
}

var ticks = troupe.NewStream[ticker, int, tick]("ticks")

func tickers() actorhost.Definition {
	return actorhost.Define(func() struct{} { return struct{}{} },
		actorhost.OnStream(ticks, func(_ *actorhost.Stream[struct{}], n int) iter.Seq2[tick, error] {
			return func(yield func(tick, error) bool) {
				for i := range n {
					if !yield(tick{i, "<tick>"}, nil) {
						return
					}
				}
				if n == 3 {
					yield(tick{}, troupe.NewError("worn_out", "no more"))
				}
			}
		}))
}

func TestStream(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	host, err := actorhost.Start(t.Context(), connect(t, server), actorhost.Config{Logger: slog.New(slog.DiscardHandler)}, tickers())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, host.Stop(context.Background())) })
	p := at(server.URL())
	two := `{"n":0,"text":"<tick>"}` + "\n" + `{"n":1,"text":"<tick>"}` + "\n"
	for name, test := range map[string]struct {
		stdin string
		args  []string
		want  result
	}{
		"to its end":   {"", []string{"a", "ticks", "2"}, result{exitOK, two, ""}},
		"from stdin":   {"2", []string{"a", "ticks"}, result{exitOK, two, ""}},
		"some of many": {"", []string{"a", "ticks", "1000000000", "--count=2"}, result{exitOK, two, ""}},
		"none":         {"", []string{"a", "ticks", "0"}, result{exitOK, "", ""}},
		"an error":     {"", []string{"a", "ticks", "3"}, result{exitActor, two + `{"n":2,"text":"<tick>"}` + "\n", "error worn_out: no more\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, p.reading(test.stdin).run(t.Context(), append([]string{"stream", "ticker"}, test.args...)...))
		})
	}
	got := p.run(t.Context(), "call", "ticker", "a", "ticks", "2")
	require.Equal(t, exitUsage, got.code)
	require.Contains(t, got.err, "is a stream")
	got = p.run(t.Context(), "types", "ticker")
	require.Contains(t, got.out, "stream")
	require.Contains(t, p.run(t.Context(), "schema", "ticker", "--typescript").out, "ticks: { in: number; out: null; items: Tick };")
}

// TestStreamThatDoesNotOpen waits no longer than it is told to.
func TestStreamThatDoesNotOpen(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	_, err := connect(t, server).Subscribe("troupe.*.mute.>", func(*nats.Msg) {})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context()) // without a deadline, which would count instead
	defer time.AfterFunc(20*time.Second, cancel).Stop()
	defer cancel()
	got := at(server.URL()).run(ctx, "stream", "mute", "a", "words", "--timeout=50ms")
	require.Equal(t, exitUnknown, got.code, got.err)
	require.NoError(t, ctx.Err())
}
