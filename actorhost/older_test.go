package actorhost_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/internal/bustest"
)

// A ledger is run by hosts of this version and of an earlier one: testdata/older has it too.
type ledger struct{ troupe.Ref }

func (ledger) ActorType() string { return "ledger" }

var (
	enterLine = troupe.NewAction[ledger, string, troupe.None]("enter")
	readAll   = troupe.NewAction[ledger, troupe.None, []string]("read")
)

type ledgerState struct{ Lines []string }

// Only this version has a workflow.
var (
	audit   = troupe.NewWorkflow[ledger, string, string]("audit")
	audited = troupe.NewSignal[ledger, string]("audited")
)

func ledgers() actorhost.Definition {
	return actorhost.Define(func() ledgerState { return ledgerState{} },
		actorhost.OnSignal[ledger, ledgerState](audited),
		actorhost.OnWorkflow(audit, func(w *actorhost.Flow[ledgerState], line string) (by string, err error) {
			enter := func(s *ledgerState, _ *actorhost.Context) error { s.Lines = append(s.Lines, line); return nil }
			if err := w.Update("begin", enter); err != nil {
				return "", err
			}
			if by, err = actorhost.Wait(w, audited, "result", 0); err != nil {
				return "", err
			}
			return by, w.Update("end", enter)
		}),
		actorhost.On(enterLine, actorhost.NoOut(func(s *ledgerState, _ *actorhost.Context, line string) error {
			s.Lines = append(s.Lines, line)
			return nil
		})),
		actorhost.On(readAll, actorhost.NoIn(func(s *ledgerState, _ *actorhost.Context) ([]string, error) { return s.Lines, nil })))
}

// buildOlder builds testdata/older with Troupe as it was before a file of it was there, which the history of the repository has:
// nothing less is a host that does not know what this one does. Without the history the test is skipped.
func buildOlder(t *testing.T, before string) (program string) {
	t.Helper()
	git := func(args ...string) []byte {
		out, err := exec.CommandContext(t.Context(), "git", append([]string{"-C", ".."}, args...)...).Output()
		if err != nil || len(out) == 0 {
			// An archive of the sources, and a shallow clone, have no history to make one of.
			t.Skipf("an older version is made of the history of the repository: git %v: %v", args, err)
		}
		return out
	}
	added := strings.Fields(string(git("log", "--diff-filter=A", "--format=%H", "--", before)))
	dir := t.TempDir()
	files := tar.NewReader(bytes.NewReader(git("archive", added[len(added)-1]+"^")))
	for head, err := files.Next(); !errors.Is(err, io.EOF); head, err = files.Next() {
		require.NoError(t, err)
		if path := filepath.Join(dir, head.Name); head.Typeflag == tar.TypeReg {
			data, err := io.ReadAll(files)
			require.NoError(t, err)
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
			require.NoError(t, os.WriteFile(path, data, 0o600))
		}
	}
	main, err := os.ReadFile("testdata/older/main.go")
	require.NoError(t, err)
	require.NoError(t, os.Mkdir(filepath.Join(dir, "older"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "older", "main.go"), main, 0o600))
	program = filepath.Join(dir, "older.exe")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./older")
	build.Dir = dir
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	return program
}

// A host of a version that knows no schedules loses none, in a deployment of the new version and when that is taken back.
func TestOlderVersion(t *testing.T) {
	t.Parallel()
	takesLong(t)
	program := buildOlder(t, "internal/record/schedules.go")
	for name, killed := range map[string]bool{"taken back": false, "killed": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := startOlder(t, program)
			old := o.oldHost()
			for _, d := range o.ledgers {
				o.enter(d, "old")
				_, err := enterLine.After(troupe.SchedulerOf(t.Context(), d), time.Second, "never")
				require.ErrorIs(t, err, troupe.ErrUnknownAction)
			}
			stop := o.newHost()
			due := time.Now().Add(4 * time.Second)
			for _, d := range o.ledgers {
				o.enter(d, "both")
				_, err := enterLine.At(troupe.SchedulerOf(t.Context(), d), due, "due")
				require.NoError(t, err, "whichever host is asked")
				o.enter(d, "both")
			}
			stop(killed)
			for _, d := range o.ledgers {
				o.requireLeft(d, "schedules")
			}
			other := troupe.GetOrCreate[ledger](o.client, "other")
			o.enter(other, "old")
			require.Eventually(t, func() bool { return time.Now().After(due) }, 30*time.Second, 10*time.Millisecond)
			o.requireLeft(o.ledgers[0], "schedules")
			stop = o.newHost()
			for _, d := range o.ledgers {
				o.await(d, "old", "both", "both", "due")
				o.enter(d, "both")
			}
			old.end(t)
			for _, d := range o.ledgers {
				o.await(d, "old", "both", "both", "due", "both")
			}
			o.await(other, "old")
			stop(false)
			o.oldHost() // what has nothing scheduled any more may go back
			for _, d := range o.ledgers {
				o.enter(d, "old")
			}
			require.NotContains(t, o.log.String(), "bad_input", "hosts understand each other")
		})
	}
}

// A host of a version that knows no workflows leaves actors with one alone, and they go on where one knows them.
func TestOlderVersionWithoutWorkflows(t *testing.T) {
	t.Parallel()
	takesLong(t)
	program := buildOlder(t, "internal/record/workflow.go")
	for name, killed := range map[string]bool{"taken back": false, "killed": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := startOlder(t, program)
			o.oldHost()
			stop := o.newHost()
			for _, d := range o.ledgers {
				o.enter(d, "both")
				require.NoError(t, audit.Start(t.Context(), d, "audit"), "whichever host is asked")
				o.await(d, "both", "audit")
			}
			stop(killed)
			for _, d := range o.ledgers {
				o.requireLeft(d, "workflows")
			}
			stop = o.newHost()
			for _, d := range o.ledgers {
				require.NoError(t, audited.Send(t.Context(), d, "eva"))
				by, err := audit.Result(t.Context(), d)
				require.NoError(t, err)
				require.Equal(t, "eva", by)
				o.await(d, "both", "audit", "audit")
			}
			stop(false)
			o.requireLeft(o.ledgers[0], "workflows") // for what it has given is remembered
		})
	}
}

// mixed is a system with hosts of two versions.
type mixed struct {
	t       *testing.T
	program string
	url     string
	client  *client.Client
	ledgers []ledger
	log     bustest.Log // of new hosts
}

func startOlder(t *testing.T, program string) *mixed {
	t.Helper()
	o := &mixed{t: t, program: program}
	o.url = bustest.Serve(t, &server.Options{JetStream: true, StoreDir: t.TempDir()}).ClientURL()
	var err error
	o.client, err = client.New(o.connect(), client.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, o.client.Close(context.Background())) })
	for i := range 5 {
		o.ledgers = append(o.ledgers, troupe.GetOrCreate[ledger](o.client, fmt.Sprint(i)))
	}
	return o
}

func (o *mixed) connect() *nats.Conn {
	o.t.Helper()
	nc, err := bus.Connect(o.t.Context(), bus.Config{URL: o.url})
	require.NoError(o.t, err)
	o.t.Cleanup(nc.Close)
	return nc
}

func (o *mixed) oldHost() *process { return startBinary(o.t, o.program, "older", o.url) }

// newHost starts a host of this version, and returns what stops or kills it.
func (o *mixed) newHost() (stop func(killed bool)) {
	o.t.Helper()
	nc := o.connect()
	host, err := actorhost.Start(o.t.Context(), nc, actorhost.Config{Logger: slog.New(slog.NewTextHandler(&o.log, nil))}, ledgers())
	require.NoError(o.t, err)
	o.t.Cleanup(func() { _ = host.Stop(context.Background()) })
	return func(killed bool) {
		if killed {
			nc.Close()
		}
		require.Equal(o.t, killed, host.Stop(context.Background()) != nil)
	}
}

func (o *mixed) enter(d ledger, line string) {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(o.t.Context(), 20*time.Second)
	defer cancel()
	require.NoError(o.t, call(ctx, enterLine, d, line))
}

func (o *mixed) await(d ledger, lines ...string) {
	o.t.Helper()
	var got []string
	require.Eventually(o.t, func() bool {
		var err error
		got, err = readAll.Call(o.t.Context(), d, nil)
		return err == nil && len(got) >= len(lines)
	}, 30*time.Second, 20*time.Millisecond)
	require.ElementsMatch(o.t, lines, got)
}

// requireLeft checks that an older host leaves a ledger alone, because it lacks a feature.
func (o *mixed) requireLeft(d ledger, feature string) {
	o.t.Helper()
	require.Eventually(o.t, func() bool { // once it knows that the owner is gone
		ctx, cancel := context.WithTimeout(o.t.Context(), 200*time.Millisecond)
		defer cancel()
		err := call(ctx, enterLine, d, "lost")
		require.Error(o.t, err)
		return strings.Contains(err.Error(), feature)
	}, 30*time.Second, time.Millisecond)
	ctx, cancel := context.WithTimeout(o.t.Context(), time.Second) // or it is tried until then, for a new host may come
	defer cancel()
	_, err := troupe.SchedulerOf(ctx, d).Unschedule("it")
	require.Error(o.t, err)
}
