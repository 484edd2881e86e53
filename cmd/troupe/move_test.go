package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe/actorhost"
)

func TestMove(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	p := at(server.URL())
	startHost(t, server, actorhost.Config{Name: "one"})
	require.Equal(t, exitOK, p.run(t.Context(), "call", "room", "a/b", "add", "5").code)
	startHost(t, server, actorhost.Config{Name: "two"})
	for _, to := range []string{"two", "one", "one"} {
		got := p.run(t.Context(), "move", "room", "a/b", to)
		require.Equal(t, exitOK, got.code, got.err)
		require.Regexp(t, `^room/a/b is on `+to+` \w+ now\n$`, got.err)
		require.Contains(t, p.run(t.Context(), "info", "room", "a/b").out, to)
	}
	require.Regexp(t, `^{"type":"room","key":"a/b","host":"\w+"}\n$`, p.run(t.Context(), "move", "room", "a/b", "two", "--json").out)
	require.Equal(t, result{exitOK, "5\n", ""}, p.run(t.Context(), "call", "room", "a/b", "add", "0"))
	require.Equal(t, exitNotFound, p.run(t.Context(), "move", "room", "a/b", "three").code)
	require.Equal(t, exitNotFound, p.run(t.Context(), "move", "room", "none", "two").code)
}

func TestBalance(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	p := at(server.URL())
	require.Equal(t, exitNotFound, p.run(t.Context(), "balance", "--type", "room").code)
	startHost(t, server, actorhost.Config{Name: "one"})
	const actors = 31
	for i := range actors {
		require.Equal(t, exitOK, p.run(t.Context(), "call", "room", fmt.Sprint(i), "add", fmt.Sprint(i)).code)
	}
	require.Equal(t, result{exitOK, "", "nothing to move: each host has its share\n"}, p.run(t.Context(), "balance"))
	startHost(t, server, actorhost.Config{Name: "two"})
	startHost(t, server, actorhost.Config{Name: "six"})
	for _, want := range []struct {
		args  []string
		moved [3]string
	}{{[]string{"--dry-run"}, [3]string{"-", "-", "-"}}, {[]string{"--at-once", "3"}, [3]string{"-20", "+10", "+10"}}} {
		got := p.run(t.Context(), append([]string{"balance"}, want.args...)...)
		require.Equal(t, exitOK, got.code, got.err)
		require.Equal(t, []string{
			"TYPE HOST             AWAKE SHARE MOVED",
			"room one HOST    31    11  " + fmt.Sprintf("%4s", want.moved[0]),
			"room six HOST     0    10  " + fmt.Sprintf("%4s", want.moved[1]),
			"room two HOST     0    10  " + fmt.Sprintf("%4s", want.moved[2]), "",
		}, strings.Split(regexp.MustCompile(`(one|two|six) \w+`).ReplaceAllString(got.out, "$1 HOST"), "\n"))
	}
	require.Equal(t, result{exitOK, "", "nothing to move: each host has its share\n"}, p.run(t.Context(), "balance"))
	for i := range actors {
		require.Equal(t, result{exitOK, fmt.Sprintln(i), ""}, p.run(t.Context(), "call", "room", fmt.Sprint(i), "add", "0"))
	}
	require.Equal(t, exitUsage, p.run(t.Context(), "balance", "--at-once", "0").code)
}

// TestBalanceWithoutThoseThatAreBusy says how many have stayed.
func TestBalanceWithoutThoseThatAreBusy(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	p := at(server.URL())
	opened, passing := make(chan struct{}), make(chan struct{}, 2)
	barriers := actorhost.Define(func() struct{} { return struct{}{} },
		actorhost.On(pass, actorhost.NoInNoOut(func(*struct{}, *actorhost.Context) error { passing <- struct{}{}; <-opened; return nil })))
	startBarriers := func() {
		host, err := actorhost.Start(t.Context(), connect(t, server), actorhost.Config{Logger: slog.New(slog.DiscardHandler)}, barriers)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, host.Stop(context.Background())) })
	}
	startBarriers()
	var all errgroup.Group
	for _, key := range []string{"a", "b"} {
		all.Go(func() error {
			if got := p.run(t.Context(), "call", "barrier", key, "pass", "--timeout", "10m"); got.code != exitOK {
				return errors.New(got.err)
			}
			return nil
		})
		<-passing
	}
	startBarriers()
	got := p.run(t.Context(), "balance", "--timeout", "500ms")
	require.Equal(t, exitFailed, got.code, got.err)
	require.Contains(t, got.err, "1 actors have not moved, the last because: ")
	close(opened)
	require.NoError(t, all.Wait())
}
