package stage_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/examples/internal/stage"
	"github.com/troupe-go/troupe/examples/internal/stage/stagetest"
)

func TestMain(m *testing.M) { hosttest.Main(m) }

// run runs a program without an environment.
func run(ctx context.Context, program stagetest.Program, args ...string) (code int, out, complaints string) {
	var stdout, stderr bytes.Buffer
	code = stagetest.Run(ctx, program, stagetest.Process{Args: args, Out: &stdout, Err: &stderr})
	return code, stdout.String(), stderr.String()
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	nothing := func(context.Context, bus.Config, *stage.Stage) error { return nil }
	interrupted := func(ctx context.Context, _ bus.Config, _ *stage.Stage) error { return ctx.Err() }
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, test := range map[string]struct {
		ctx       context.Context //nolint:containedctx // a table
		program   stagetest.Program
		args      []string
		code      int
		complaint string
	}{
		"done":                    {t.Context(), nothing, nil, 0, ""},
		"help":                    {t.Context(), nothing, []string{"--help"}, 0, "--serve"},
		"unknown flag":            {t.Context(), nothing, []string{"--what"}, 2, "-what"},
		"unknown argument":        {t.Context(), nothing, []string{"what"}, 2, "what"},
		"quiet without serve":     {t.Context(), nothing, []string{"--quiet"}, 2, "--serve"},
		"listen without serve":    {t.Context(), nothing, []string{"--listen", "127.0.0.1:0"}, 2, "--serve"},
		"probes without serve":    {t.Context(), nothing, []string{"--probes", "127.0.0.1:0"}, 2, "--serve"},
		"interrupted":             {canceled, interrupted, nil, 130, ""},
		"interrupted while serve": {canceled, interrupted, []string{"--serve"}, 0, ""},
		"failed": {t.Context(), func(context.Context, bus.Config, *stage.Stage) error {
			return errors.New("out of luck")
		}, nil, 1, "out of luck"},
		"failed at the end": {t.Context(), func(context.Context, bus.Config, *stage.Stage) (err error) {
			defer func() { err = errors.Join(err, errors.New("too late")) }()
			return nil
		}, nil, 1, "too late"},
		"interrupted, and ended": {canceled, func(ctx context.Context, _ bus.Config, _ *stage.Stage) (err error) {
			defer func() { err = errors.Join(err, nil) }()
			return fmt.Errorf("playing: %w", ctx.Err())
		}, nil, 130, ""},
		"interrupted, and failed at the end": {canceled, func(ctx context.Context, _ bus.Config, _ *stage.Stage) (err error) {
			defer func() { err = errors.Join(err, nil) }()
			defer func() { err = errors.Join(err, errors.New("too late")) }()
			return fmt.Errorf("playing: %w", ctx.Err())
		}, nil, 1, "too late"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, out, complaints := run(test.ctx, test.program, test.args...)
			require.Equal(t, test.code, code)
			require.Empty(t, out)
			require.Contains(t, complaints, test.complaint)
			require.Equal(t, test.complaint == "", complaints == "")
		})
	}
}

func TestFlagsSayWhereTheServerIs(t *testing.T) {
	t.Parallel()
	env := bus.Config{Server: bus.ServerConfig{DataDir: "env", Listen: "env:1"}}
	for name, test := range map[string]struct {
		args   []string
		env    bus.Config
		listen string
		data   string
		scene  bool
	}{
		"runs and ends":      {nil, bus.Config{}, "", "", true},
		"serves":             {[]string{"--serve"}, bus.Config{}, "127.0.0.1:4222", "", true},
		"serves in silence":  {[]string{"--serve", "--quiet"}, bus.Config{}, "127.0.0.1:4222", "", false},
		"by the environment": {[]string{"--serve"}, env, "env:1", "env", true},
		"by flags":           {[]string{"--serve", "--listen", "flag:1", "--data", "flag"}, env, "flag:1", "flag", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program := func(_ context.Context, config bus.Config, s *stage.Stage) error {
				require.Equal(t, test.listen, config.Server.Listen)
				require.Equal(t, test.data, config.Server.DataDir)
				require.Equal(t, test.scene, s.Scene)
				require.Empty(t, s.Probes, "nothing listens by itself")
				return nil
			}
			process := stagetest.Process{Args: test.args, Out: io.Discard, Err: t.Output(), Bus: test.env}
			require.Zero(t, stagetest.Run(t.Context(), program, process))
		})
	}
}

func TestFlagsSayWhereToProbe(t *testing.T) {
	for name, test := range map[string]struct {
		args      []string
		env, want string
	}{
		"a scene":            {nil, "env:1", ""},
		"by the environment": {[]string{"--serve"}, "env:1", "env:1"},
		"by a flag":          {[]string{"--serve", "--probes", "flag:1"}, "env:1", "flag:1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("TROUPE_PROBES", test.env)
			program := func(_ context.Context, _ bus.Config, s *stage.Stage) error {
				require.Equal(t, test.want, s.Probes)
				return nil
			}
			require.Zero(t, stagetest.Run(t.Context(), program, stagetest.Process{Args: test.args, Out: io.Discard, Err: t.Output()}))
		})
	}
}

func TestServeTellsWhereAndWaits(t *testing.T) {
	t.Parallel()
	tour := stage.Tour{
		Calls: []stage.Call{{Type: "room", Key: "main", Action: "say", Input: `"it's me"`}, {Type: "room", Key: "main", Action: "hear"}},
		Watch: "room main said",
	}
	program := func(ctx context.Context, config bus.Config, s *stage.Stage) (err error) {
		b, err := bus.Open(ctx, config)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, b.Close()) }()
		return s.Serve(ctx, b, nil, tour)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	reader, writer := io.Pipe()
	code := make(chan int, 1)
	go func() {
		args := []string{"--serve", "--listen", "127.0.0.1:0", "--data", t.TempDir()}
		code <- stagetest.Run(ctx, program, stagetest.Process{Args: args, Out: writer, Err: t.Output()})
		_ = writer.Close()
	}()

	url, commands, lines := "", []string(nil), bufio.NewScanner(reader)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if where, ok := strings.CutPrefix(line, "NATS "); ok {
			url = strings.TrimSpace(where)
			nc, err := bus.Connect(ctx, bus.Config{URL: url})
			require.NoError(t, err)
			nc.Close()
		}
		if strings.HasPrefix(line, "NATS_URL=") {
			commands = append(commands, line)
		}
		if strings.Contains(line, "nats req") {
			cancel() // it waits now
			break
		}
	}
	go func() { _, _ = io.Copy(io.Discard, reader) }()
	require.Zero(t, <-code)
	require.Equal(t, []string{
		"NATS_URL=" + url + " go run ./cmd/troupe watch room main said",
		"NATS_URL=" + url + ` go run ./cmd/troupe call room main say '"it'\''s me"'`,
		"NATS_URL=" + url + " go run ./cmd/troupe call room main hear",
		"NATS_URL=" + url + " go run ./cmd/troupe ls",
		"NATS_URL=" + url + ` nats req troupe.route.room.main.say '"it'\''s me"' -H Content-Type:application/json`,
	}, commands)
}

func TestServeEndsWithTheHost(t *testing.T) {
	t.Parallel()
	drained := make(chan struct{})
	close(drained)
	code, out, _ := run(t.Context(), func(ctx context.Context, config bus.Config, s *stage.Stage) (err error) {
		config.Server = bus.ServerConfig{Memory: true}
		b, err := bus.Open(ctx, config)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, b.Close()) }()
		return s.Serve(ctx, b, drained, stage.Tour{})
	}, "--serve")
	require.Zero(t, code)
	require.Contains(t, out, "The host was drained.")
}

func TestOutputIsPlainWhenNobodyLooks(t *testing.T) {
	t.Parallel()
	code, out, _ := run(t.Context(), func(_ context.Context, _ bus.Config, s *stage.Stage) error {
		s.Title("Title", "and more")
		s.Done("%d of %d", 1, 2)
		s.Refused("%s", s.Bold("no")+s.Dim("!"))
		return nil
	})
	require.Zero(t, code)
	require.Equal(t, "\n  Title\n  and more\n\n  ✓ 1 of 2\n  ✗ no!\n", out)
}
