package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/internal/bustest"
)

func TestNoServer(t *testing.T) {
	t.Parallel()
	dead := deadURL(t)
	for _, args := range [][]string{{"ls"}, {"call", "room", "a", "add", "1"}, {"watch", "room", "a"}} {
		got := at(dead).run(t.Context(), args...)
		require.Equal(t, exitUnavailable, got.code, got.err)
		require.Empty(t, got.out)
		require.Contains(t, got.err, "error no_server: ")
		require.Contains(t, got.err, dead)
		require.Contains(t, got.err, "--server URL, NATS_URL or --context NAME")
	}
	got := at(dead).run(t.Context(), "ls", "--json")
	require.Equal(t, exitUnavailable, got.code)
	require.Contains(t, got.err, `{"code":"no_server",`)
}

// deadURL is an address where nobody listens.
func deadURL(t *testing.T) string {
	t.Helper()
	return fmt.Sprint("nats://127.0.0.1:", bustest.FreePort(t))
}

// Not parallel, as the others that follow: they change the environment.
func TestEnvironment(t *testing.T) {
	url := startBus(t, actorhost.Config{Namespace: "test"})
	t.Setenv("NATS_URL", url)
	t.Setenv("TROUPE_NAMESPACE", "test")
	require.Equal(t, result{exitOK, "1\n", ""}, program{}.run(t.Context(), "call", "room", "a", "add", "1"))
	require.Contains(t, program{}.run(t.Context(), "ls").out, "room")
	require.Equal(t, exitNotFound, program{}.run(t.Context(), "ls", "--namespace", "other").code)
	require.Equal(t, exitUnavailable, at(deadURL(t)).run(t.Context(), "ls").code)

	t.Setenv("NATS_URL", deadURL(t))
	require.Equal(t, exitUnavailable, program{}.run(t.Context(), "ls").code)
	require.Equal(t, exitOK, at(url).run(t.Context(), "ls").code)

	t.Setenv("NATS_TIMEOUT", "soon")
	got := at(url).run(t.Context(), "ls")
	require.Equal(t, exitUsage, got.code)
	require.Contains(t, got.err, "NATS_TIMEOUT")
}

// envOf is what a verb gets in the environment of the test with these flags.
func envOf(t *testing.T, args ...string) env {
	t.Helper()
	var cli grammar
	_, exited, err := parse(&cli, append([]string{"ls"}, args...), terminal{})
	require.NoError(t, err)
	require.False(t, exited)
	e, err := cli.env(terminal{})
	require.NoError(t, err)
	require.NotNil(t, e.config.Logger)
	e.config.Logger = nil
	return e
}

func TestFlagsWinOverEnvironment(t *testing.T) {
	for name, value := range map[string]string{
		"NATS_URL": "nats://env:1", "NATS_CONTEXT": "env", "NATS_CREDS": "env", "NATS_JWT": "env", "NATS_SEED": "env",
		"NATS_CERT": "env", "NATS_KEY": "env", "NATS_CA": "env", "NATS_TIMEOUT": "7s", "NATS_INBOX_PREFIX": "env",
		"NATS_SOCKS_PROXY": "socks5://env:1", "TROUPE_NAMESPACE": "env",
	} {
		t.Setenv(name, value)
	}
	vars := envOf(t)
	require.Equal(t, "env", vars.namespace.Name())
	require.Equal(t, 7*time.Second, vars.timeout)
	require.Equal(t, "troupe-cli", vars.config.Name)
	require.Equal(t, "nats://env:1", vars.config.URL)

	flags := envOf(t, "-s", "u", "--tlscert", "tc", "--tlskey", "tk", "--tlsca", "ta", "--tlsfirst", "--socks-proxy", "sp",
		"--inbox-prefix", "i", "--connection-name", "me", "--timeout", "1m", "--namespace", "flag")
	want := vars.config
	want.URL, want.TLSCert, want.TLSKey, want.TLSCA, want.TLSFirst = "u", "tc", "tk", "ta", true
	want.SOCKSProxy, want.InboxPrefix, want.Name, want.Timeout = "sp", "i", "me", time.Minute
	require.Equal(t, want, flags.config)
	require.Equal(t, time.Minute, flags.timeout)
	require.Equal(t, "flag", flags.namespace.Name())

	context := bus.Config{Context: "c", Name: "troupe-cli", Timeout: 7 * time.Second}
	require.Equal(t, context, envOf(t, "--context", "c").config, "a context is not mixed with the environment")
	context.URL = "u"
	require.Equal(t, context, envOf(t, "--context", "c", "--server", "u").config)
}

func TestCredentialsOfFlagsReplaceThoseOfTheEnvironment(t *testing.T) {
	t.Setenv("NATS_USER", "env")
	t.Setenv("NATS_PASSWORD", "secret")
	base := bus.Config{Name: "troupe-cli", Timeout: defaultTimeout}
	for flag, set := range map[string]func(*bus.Config) *string{
		"--creds": func(c *bus.Config) *string { return &c.Creds },
		"--token": func(c *bus.Config) *string { return &c.Token },
		"--nkey":  func(c *bus.Config) *string { return &c.NKey },
		"--jwt":   func(c *bus.Config) *string { return &c.JWT },
	} {
		want := base
		*set(&want) = "flag"
		require.Equal(t, want, envOf(t, flag, "flag").config)
	}
	want := base
	want.User, want.Password = "flag", "secret"
	require.Equal(t, want, envOf(t, "--user", "flag").config)
	want.User, want.Password = "env", "flag"
	require.Equal(t, want, envOf(t, "--password", "flag").config)
	t.Setenv("NATS_USER", "")
	t.Setenv("NATS_PASSWORD", "")
	t.Setenv("NATS_CREDS", "env")
	want = base
	want.User, want.Password = "a", "b"
	require.Equal(t, want, envOf(t, "--user", "a", "--password", "b").config)
}

// TestContextOfTheNATSCommand finds the server by a context, as the nats command does.
func TestContextOfTheNATSCommand(t *testing.T) {
	url := startBus(t, actorhost.Config{})
	config := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", config)
	t.Setenv("HOME", config)
	file := filepath.Join(config, "nats", "context", "mine.json")
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o700))
	require.NoError(t, os.WriteFile(file, []byte(`{"description": "test", "url": "`+url+`"}`), 0o600))

	require.Contains(t, program{}.run(t.Context(), "hosts", "--context", "mine").out, "room")
	require.Contains(t, program{}.run(t.Context(), "hosts", "--context", file).out, "room")
	t.Setenv("NATS_CONTEXT", "mine")
	require.Contains(t, program{}.run(t.Context(), "hosts").out, "room")
	got := program{}.run(t.Context(), "hosts", "--context", "theirs")
	require.Equal(t, exitUsage, got.code)
	require.Contains(t, got.err, "theirs")
	t.Setenv("NATS_URL", deadURL(t))
	require.Equal(t, exitUnavailable, program{}.run(t.Context(), "hosts").code, "a URL replaces that of the context")
}
