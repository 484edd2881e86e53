package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/internal/look"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// purchase is the actor type of these tests that has a workflow.
type purchase struct{ troupe.Ref }

func (purchase) ActorType() string { return "order" }

type wish struct {
	Item   string `json:"item"`
	Number int64  `json:"number"`
}

var (
	place   = troupe.NewWorkflow[purchase, wish, string]("place")
	decided = troupe.NewSignal[purchase, bool]("decided")
	lookAt  = troupe.NewAction[purchase, troupe.None, int]("look")
)

var errRefused = troupe.NewError("refused", "somebody has said no")

// orders reserve, in a step with this name that does not end by itself for what is slow, and wait for a decision for three days.
func orders(reserve string) actorhost.Definition {
	return actorhost.Define(func() struct{} { return struct{}{} },
		actorhost.OnSignal[purchase, struct{}](decided),
		actorhost.On(lookAt, actorhost.NoIn(func(*struct{}, *actorhost.Context) (int, error) { return 7, nil })),
		actorhost.OnWorkflow(place, func(w *actorhost.Flow[struct{}], in wish) (string, error) {
			n, err := actorhost.Step(w, reserve, func(c *actorhost.StepContext) (int64, error) {
				if in.Item == "slow" {
					<-c.Done()
				}
				return in.Number, nil
			})
			if err != nil {
				return "", err
			}
			w.Undo("release", func(*actorhost.StepContext) error { return nil })
			switch yes, err := actorhost.Wait(w, decided, "decision", 72*time.Hour); {
			case err != nil:
				return "", err
			case !yes:
				return "", errRefused
			}
			return in.Item, w.Sleep("rest", time.Duration(n%7)*time.Millisecond)
		}))
}

func startOrders(t *testing.T, server *bus.Server, reserve string) (stop func()) {
	t.Helper()
	config := actorhost.Config{Logger: slog.New(slog.DiscardHandler)}
	host, err := actorhost.Start(t.Context(), connect(t, server), config, orders(reserve))
	require.NoError(t, err)
	stop = func() { require.NoError(t, host.Stop(context.WithoutCancel(t.Context()))) }
	t.Cleanup(stop)
	return stop
}

// workflow runs troupe workflow show --json.
func (p program) workflow(t *testing.T, key string) (run workflowRun) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(p.ok(t, "workflow", "show", "order", key, "--json").out), &run))
	return run
}

// until waits until a workflow has a status.
func (p program) until(t *testing.T, key string, status troupe.WorkflowStatus) {
	t.Helper()
	require.Eventually(t, func() bool { return p.workflow(t, key).Status == status }, 30*time.Second, 10*time.Millisecond)
}

func TestWorkflowFromStartToResult(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	startOrders(t, server, "reserve")
	p := at(server.URL())
	require.Equal(t, "place of order/a/b runs\n", p.ok(t, "workflow", "start", "order", "a/b", "place", `{"item":"<hat>","number":9007199254740993}`).err)
	p.until(t, "a/b", troupe.WorkflowWaits)

	got := p.run(t.Context(), "workflow", "result", "order", "a/b")
	require.Equal(t, result{exitUnavailable, "", "error unfinished: place of order/a/b is waiting: see troupe workflow show\n"}, got)
	shown := p.ok(t, "workflow", "show", "order", "a/b").out
	require.Regexp(t, `^order/a/b  place  waiting\n\n  Began    \S+ \S+ \(\S+( ago)?\)\n  Input    \{"item":"<hat>","number":9007199254740993\}\n\n`, shown)
	require.Equal(t, []string{"STEP", "KIND", "BEGAN", "TOOK", "TRIES", "RESULT"}, strings.Fields(strings.Split(shown, "\n")[5]))
	require.Regexp(t, `(?m)^reserve +step +\+\d+m?s +\d+m?s +1 +█+ +9007199254740993$`, shown)
	require.Regexp(t, `(?m)^decision +signal +\+\S+ +\S+ +1 +░+ +waits for the signal decided until \S+ \S+ \(in (2d|3d)\)$`, shown)
	require.Equal(t, "9007199254740993", string(p.workflow(t, "a/b").Steps[0].Result), "all digits")

	table := p.ok(t, "workflow", "ls").out
	require.Equal(t, []string{"TYPE", "KEY", "WORKFLOW", "STATUS", "STEPS", "BEGAN", "NOW"}, strings.Fields(strings.SplitN(table, "\n", 2)[0]))
	require.Eventually(t, func() bool { // the records may be a moment older
		return strings.Contains(p.ok(t, "workflow", "ls", "order", "--status", "waiting").out, "decision waits for the signal decided until ")
	}, 30*time.Second, 10*time.Millisecond)
	require.Contains(t, p.ok(t, "info", "order", "a/b").out, "\n  Workflow  place waiting, 1 steps, decision waits for the signal decided until ")
	require.NotContains(t, p.ok(t, "info", "order", "a/b").out, "Schedules", "one of Troupe's own is none")
	require.Equal(t, exitNotFound, p.run(t.Context(), "schedule", "ls").code)
	require.Contains(t, p.ok(t, "ls", "--json").out, `"workflow":"waiting"`)

	require.Equal(t, "decided of order/a/b is sent\n", p.ok(t, "workflow", "signal", "order", "a/b", "decided", "true").err)
	require.Equal(t, "\"<hat>\"\n", p.ok(t, "workflow", "result", "order", "a/b", "--wait").out)
	require.Equal(t, "\"<hat>\"\n", p.ok(t, "workflow", "result", "order", "a/b").out)
	shown = p.ok(t, "workflow", "show", "order", "a/b").out
	require.Contains(t, shown, "place  succeeded\n")
	require.Regexp(t, `(?m)^  Ended    .*, it took \S+\n  Input    .*\n  Result   "<hat>"$`, shown)
	require.Equal(t, exitNotFound, p.run(t.Context(), "workflow", "signal", "order", "a/b", "decided", "true").code)
	for _, verb := range [][]string{{"cancel", "order", "a/b", "no"}, {"retry", "order", "a/b"}} {
		got = p.run(t.Context(), append([]string{"workflow"}, verb...)...)
		require.Equal(t, result{exitConflict, "", "error conflict: place of order/a/b has succeeded already: nothing is changed\n"}, got)
	}
	got = p.run(t.Context(), "workflow", "start", "order", "a/b", "place", `{"item":"cap"}`)
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.err, "error request_reused: ")
}

// TestWaitingForAResultIsInterrupted once the call that waits is on its way.
func TestWaitingForAResultIsInterrupted(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	startOrders(t, server, "reserve")
	p := at(server.URL())
	nc := connect(t, server)
	for _, verb := range [][]string{
		{"start", "order", "a", "place", `{"item":"hat"}`, "--wait"}, {"result", "order", "a", "--wait"},
	} {
		ctx, interrupt := context.WithCancel(t.Context())
		sub, err := nc.Subscribe("troupe.*.order.a._result", func(*nats.Msg) { interrupt() })
		require.NoError(t, err)
		require.NoError(t, nc.Flush())
		got := p.run(ctx, append([]string{"workflow"}, verb...)...)
		require.Equal(t, exitInterrupted, got.code, "%s: %s", verb, got.err)
		require.Contains(t, got.err, "error canceled: waiting for the result of place of order/a: interrupted\n")
		require.NoError(t, sub.Unsubscribe())
	}
}

func TestWorkflowThatFailsOrIsCanceled(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	startOrders(t, server, "reserve")
	p := at(server.URL())
	p.ok(t, "workflow", "start", "order", "a", "place", `{"item":"hat"}`)
	p.ok(t, "workflow", "signal", "order", "a", "decided", "false")
	got := p.run(t.Context(), "workflow", "result", "order", "a", "--wait")
	require.Equal(t, result{exitActor, "", "error refused: somebody has said no\n"}, got)
	got = p.run(t.Context(), "workflow", "start", "order", "a", "place", `{"item":"hat"}`, "--wait")
	require.Equal(t, exitActor, got.code, "it was started before")

	p.ok(t, "workflow", "start", "order", "b", "place", `{"item":"hat"}`)
	require.JSONEq(t, `{"type":"order","key":"b","name":"place","done":"is to end"}`,
		p.ok(t, "workflow", "cancel", "order", "b", "it rains", "--json").out)
	got = p.run(t.Context(), "workflow", "result", "order", "b", "--wait")
	require.Equal(t, exitActor, got.code)
	require.Contains(t, got.err, "error canceled: the workflow was canceled: it rains\n")
	got = p.run(t.Context(), "workflow", "cancel", "order", "b", "again")
	require.Equal(t, result{exitConflict, "", "error conflict: place of order/b was canceled already: nothing is changed\n"}, got)
	shown := p.ok(t, "workflow", "show", "order", "b").out
	require.Regexp(t, `(?m)^release +undo `, shown)
	require.Contains(t, shown, "place  canceled\n")
	require.Eventually(t, func() bool {
		return strings.Count(p.ok(t, "workflow", "ls", "--json").out, `"status":"failed"`) == 1
	}, 30*time.Second, 10*time.Millisecond)
}

func TestWorkflowThatRuns(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	startOrders(t, server, "reserve")
	p := at(server.URL())
	require.Contains(t, p.ok(t, "hosts", "--json").out, `"workflows":0`)
	p.ok(t, "workflow", "start", "order", "a", "place", `{"item":"slow"}`)
	require.Eventually(t, func() bool {
		return strings.Contains(p.ok(t, "hosts", "--json").out, `"workflows":1`)
	}, 30*time.Second, 10*time.Millisecond)
	p.ok(t, "workflow", "cancel", "order", "a", "it rains")
	shown := p.ok(t, "workflow", "show", "order", "a").out
	require.Contains(t, shown, "place  running\n")
	require.Contains(t, shown, "\n  Cancel   its next step is to fail: it rains\n")
}

func TestStuckWorkflowIsSeenAndGoesOn(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	stop := startOrders(t, server, "reserve")
	p := at(server.URL())
	require.Equal(t, result{exitNotFound, "", "error not_found: nothing is stuck in the namespace troupe\n"}, p.run(t.Context(), "stuck"))
	nothing := "error not_found: nothing of actors of the type order is stuck in the namespace troupe\n"
	require.Equal(t, result{exitNotFound, "", nothing}, p.run(t.Context(), "stuck", "order"))
	p.ok(t, "workflow", "start", "order", "a", "place", `{"item":"hat"}`)
	p.until(t, "a", troupe.WorkflowWaits)
	steps := p.workflow(t, "a").Steps
	stop()
	got := p.ok(t, "workflow", "show", "order", "a")
	require.Equal(t, "no host of the type order can be asked: this is what the record has\n", got.err)
	require.Contains(t, got.out, "place  waiting\n")

	stop = startOrders(t, server, "book")
	p.ok(t, "workflow", "signal", "order", "a", "decided", "true")
	p.until(t, "a", troupe.WorkflowStuck)
	shown := p.ok(t, "workflow", "show", "order", "a").out
	require.Contains(t, shown, "  Stuck    the step book was asked for, where reserve is remembered: the program does not fit the run\n  Since    ")
	require.Regexp(t, `(?m)^  Tries    \d+, the next `, shown)
	require.Equal(t, steps, p.workflow(t, "a").Steps[:1], "as it was")
	stuck := func() []look.Stuck {
		got := p.run(t.Context(), "stuck", "--json")
		var lines []look.Stuck
		for text := range strings.Lines(got.out) {
			var line look.Stuck
			require.NoError(t, json.Unmarshal([]byte(text), &line), text)
			lines = append(lines, line)
		}
		return lines
	}
	require.Eventually(t, func() bool { return len(stuck()) == 1 }, 30*time.Second, 10*time.Millisecond)
	require.Equal(t, "troupe workflow retry order a", stuck()[0].Remedy)
	require.Regexp(t, `(?m)^workflow +order +a +place +\S+( ago)? +\d+ the step book was asked for`, p.ok(t, "stuck", "order").out)
	require.Equal(t, "1 workflows are stuck: see troupe stuck\n", p.ok(t, "ls").err)
	require.Equal(t, "1 workflows have been stuck: see troupe stuck\n", p.ok(t, "hosts").err)
	require.Contains(t, p.ok(t, "hosts", "--json").out, `"stuck":1`)
	require.Contains(t, p.ok(t, "doctor").out, "note   1 actors have workflows that are stuck, or with a step that fails\n")
	require.Contains(t, p.ok(t, "workflow", "ls", "--status", "stuck").out, "stuck: the step book was asked for")
	require.Contains(t, p.ok(t, "info", "order", "a").out, "\n  Workflow  place stuck, 2 steps, stuck: the step book")
	stop()

	startOrders(t, server, "reserve")
	p.ok(t, "workflow", "retry", "order", "a")
	require.Equal(t, "\"hat\"\n", p.ok(t, "workflow", "result", "order", "a", "--wait").out)
	require.Eventually(t, func() bool { return len(stuck()) == 0 }, 30*time.Second, 10*time.Millisecond)
}

func TestStuckListsAllKinds(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	nc := connect(t, server)
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	i := ill{t: t}
	i.records, err = store.OpenRecords(t.Context(), nc, ns, store.Settings{})
	require.NoError(t, err)
	flow := func(wait record.WorkflowWait) record.Change {
		return record.EditWorkflow{Edit: func(w *record.Workflow) {
			w.Begin(record.WorkflowHead{Name: "place", Run: "r", Began: 1})
			w.Wait(wait)
		}}
	}
	failed := &record.WorkflowError{Code: troupe.CodeInternal, Message: "the shelf\x1b is locked"}
	i.put("undo", flow(record.WorkflowWait{Key: "release", Kind: record.WaitRetry, Since: 2, Due: 1 << 41, Attempts: 20, Error: failed}))
	i.put("fine", flow(record.WorkflowWait{Key: "release", Kind: record.WaitRetry, Since: 2, Due: 1 << 41, Attempts: 19, Error: failed}))
	p := at(server.URL())
	got := p.ok(t, "stuck")
	require.Equal(t, 2, strings.Count(got.out, "\n"), got.out)
	require.Regexp(t, `(?m)^workflow +room +undo +place: release +\S+ ago +20 internal: the shelf. is locked$`, got.out)
	require.NotContains(t, got.out, "\x1b")
	require.Contains(t, got.err, "troupe schedule retry, workflow retry or queue retry")
}

func TestWorkflowSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	p := at(server.URL())
	require.Equal(t, exitNotFound, p.run(t.Context(), "workflow", "ls").code)
	startOrders(t, server, "reserve")
	p.ok(t, "call", "order", "none", "look")
	for _, one := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"ls"}, exitNotFound, "there are no workflows in the namespace troupe"},
		{[]string{"ls", "order", "--status", "stuck"}, exitNotFound, "no workflow is stuck of actors of the type order in the namespace troupe"},
		{[]string{"ls", "--status", "asleep"}, exitUsage, `--status "asleep" is none of running, waiting, undoing, stuck`},
		{[]string{"show", "order", "a"}, exitNotFound, "there is no actor order/a"},
		{[]string{"show", "order", "none"}, exitNotFound, "order/none has no workflow"},
		{[]string{"result", "order", "none"}, exitNotFound, "has no workflow"},
		{[]string{"cancel", "order", "none", "why"}, exitNotFound, "has no workflow"},
		{[]string{"cancel", "order", "none"}, exitUsage, "reason"},
		{[]string{"retry", "order", "a"}, exitNotFound, "there is no actor"},
		{[]string{"signal", "order", "none", "decided", "true"}, exitNotFound, "no workflow under way"},
		{[]string{"signal", "order", "a", "decided", "true"}, exitNotFound, "there is no actor"},
		{[]string{"signal", "order", "a", "a b", "true"}, exitUsage, "a b"},
		{[]string{"start", "order", "a", "place", "{"}, exitUsage, "not JSON"},
		{[]string{"start", "order", "a", "place", `"text"`}, exitUsage, "bad_input"},
		{[]string{"start", "order", "a", "placed"}, exitNotFound, "placed"},
		{[]string{"start", "order", "a", "look"}, exitUsage, "look of order/a is an action and no workflow: it has run"},
	} {
		got := p.run(t.Context(), append([]string{"workflow"}, one.args...)...)
		require.Equal(t, one.code, got.code, "%v: %s", one.args, got.err)
		require.Contains(t, got.err, one.want, one.args)
		require.Empty(t, got.out)
	}
}

// Of many steps an actor shows the last, and how many there were before.
func TestShowOfALongWorkflow(t *testing.T) {
	t.Parallel()
	for _, steps := range [][]workflowStep{nil, {{WorkflowStep: troupe.WorkflowStep{Name: "pay#501", Kind: "step"}}}} {
		var out strings.Builder
		run := workflowRun{WorkflowRun: troupe.WorkflowRun{Name: "place", Status: troupe.WorkflowRuns, Before: 500}, Steps: steps}
		require.NoError(t, printWorkflow(terminal{out: &out}, "order/a", &run, time.Now()))
		require.Contains(t, out.String(), "\n500 steps before these")
		require.Equal(t, len(steps), strings.Count(out.String(), "pay#501"))
	}
}
