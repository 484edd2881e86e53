package node_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/examples/analytics/metrics"
	"github.com/troupe-go/troupe/examples/audit/company"
	"github.com/troupe-go/troupe/examples/batch/work"
	"github.com/troupe-go/troupe/examples/carts/market"
	"github.com/troupe-go/troupe/examples/chat/room"
	"github.com/troupe-go/troupe/examples/internal/stage/stagetest"
	"github.com/troupe-go/troupe/examples/mail/office"
	"github.com/troupe-go/troupe/examples/orders/shop"
	"github.com/troupe-go/troupe/examples/saga/checkout"
	"github.com/troupe-go/troupe/examples/workflow/flow"
)

var examples = []string{"orders", "workflow", "analytics", "audit", "batch", "carts", "saga", "approval", "mail", "chat"}

// TestExamples drives the actors of all examples from Node, each example a process, and makes the same calls from Go.
func TestExamples(t *testing.T) {
	t.Parallel()
	stagetest.NPM(t, clientDir)
	stagetest.NPM(t, ".")
	url, programs := play(t)
	nc, err := bus.Connect(t.Context(), bus.Config{URL: url})
	require.NoError(t, err)
	defer nc.Close()
	cl, err := client.New(nc, client.Config{})
	require.NoError(t, err)
	defer func() { require.NoError(t, cl.Close(context.Background())) }()

	contracts(t, filepath.Join(programs, "troupe"), url)
	testClient(t, []string{"NATS_URL=" + url}, "troupe", "client", "hostile")
	for _, encoding := range [][]string{nil, {"--json"}} {
		file := filepath.Join(t.TempDir(), "results.json")
		printed := stagetest.Node(t, ".", []string{"NATS_URL=" + url}, append([]string{"main.mjs", "--results", file}, encoding...)...)
		require.NotContains(t, printed, "nobody plays it")
		compare(t, cl, file)
	}
}

// TestNobodyPlays has the program meet a bus without any actors.
func TestNobodyPlays(t *testing.T) {
	t.Parallel()
	stagetest.NPM(t, clientDir)
	stagetest.NPM(t, ".")
	server, err := bus.StartServer(bus.ServerConfig{Memory: true})
	require.NoError(t, err)
	t.Cleanup(server.Shutdown)
	printed := stagetest.Node(t, ".", []string{"NATS_URL=" + server.URL()}, "main.mjs")
	require.Equal(t, len(examples), strings.Count(printed, "nobody plays it"), printed)
}

// play starts a server and the examples, and returns where they are, and the folder with the programs, of which one is the command
// line.
func play(t *testing.T) (url, dir string) {
	t.Helper()
	server, err := bus.StartServer(bus.ServerConfig{Memory: true})
	require.NoError(t, err)
	t.Cleanup(server.Shutdown)
	dir = t.TempDir()
	build := []string{"build", "-ldflags=-s -w", "-o", dir + string(filepath.Separator), "../../cmd/troupe"}
	for _, name := range examples {
		build = append(build, "../"+name)
		stagetest.Read(t, "../"+name+"/*.go")
	}
	out, err := exec.CommandContext(t.Context(), "go", build...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	for _, name := range examples {
		serve(t, filepath.Join(dir, name), server.URL())
	}
	return server.URL(), dir
}

// serve runs an example until the end of the test, and returns when its actors are up.
func serve(t *testing.T, program, url string) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	example := stagetest.Command(ctx, program, "--serve", "--quiet")
	example.Env = append(os.Environ(), "NATS_URL="+url)
	example.Stderr = t.Output()
	out, err := example.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, example.Start())
	t.Cleanup(func() {
		stop()
		if err := example.Wait(); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", program, err)
		}
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "nats req") { // the last line
			return
		}
	}
	t.Fatalf("%s did not come up", program)
}

// refusal is an error as Node has seen it.
type refusal struct {
	Code     troupe.Code    `json:"code"`
	Metadata map[string]any `json:"metadata"`
}

func (r refusal) require(t *testing.T, err error) {
	t.Helper()
	var failed *troupe.Error
	require.ErrorAs(t, err, &failed)
	require.Equal(t, r.Code, failed.Code)
	want, err := json.Marshal(r.Metadata)
	require.NoError(t, err)
	got, err := json.Marshal(failed.Metadata)
	require.NoError(t, err)
	require.JSONEq(t, string(want), string(got))
}

// results is what Node was answered.
type results struct {
	Orders struct {
		Order  shop.Order
		Result shop.Result
		Error  refusal
		Low    shop.StockLevel
	}
	Workflow struct {
		Job    flow.Job
		Result flow.Result
		Error  refusal
	}
	Analytics struct{ Report metrics.Report }
	Audit     struct {
		User  company.User
		Entry company.Entry
	}
	Batch struct {
		Result work.Result
		Error  refusal
	}
	Carts struct {
		Cart    string
		Pieces  []market.Piece
		Expired market.View
	}
	Saga struct {
		Number  string
		Receipt checkout.Receipt
		Error   refusal
		Steps   []string
	}
	Approval struct{ Outcome string }
	Mail     struct {
		Letter office.Letter
		Number int
	}
	Chat struct{ Said, Answer room.Message }
}

// compare asks the actors from Go what they have answered to Node.
func compare(t *testing.T, cl *client.Client, file string) {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	var node results
	require.NoError(t, json.Unmarshal(data, &node))
	ctx := t.Context()

	order, err := shop.ProcessOrder.Call(ctx, troupe.GetOrCreate[shop.OrderProcessor](cl, "eu"), node.Orders.Order)
	require.NoError(t, err)
	require.Equal(t, order, node.Orders.Result, "an order is processed once")
	inventory := troupe.GetOrCreate[shop.Inventory](cl, "main")
	_, err = shop.ReserveStock.Call(ctx, inventory, 5000)
	node.Orders.Error.require(t, err)
	require.Equal(t, shop.StockLevel{Warehouse: "main", Left: 7}, node.Orders.Low)

	workflow := troupe.GetOrCreate[flow.Workflow](cl, "main")
	result, err := flow.ExecuteWorkflow.Call(ctx, workflow, node.Workflow.Job)
	require.NoError(t, err)
	require.Equal(t, result, node.Workflow.Result)
	_, err = flow.ExecuteWorkflow.Call(ctx, workflow, flow.Job{WorkflowID: "lyon", Readings: "12 l3"})
	node.Workflow.Error.require(t, err)

	placed, err := checkout.Place.Result(ctx, troupe.GetOrCreate[checkout.Checkout](cl, node.Saga.Number))
	require.NoError(t, err)
	require.Equal(t, placed, node.Saga.Receipt)
	_, err = checkout.Place.Result(ctx, troupe.GetOrCreate[checkout.Checkout](cl, node.Saga.Number+"-moon"))
	node.Saga.Error.require(t, err)
	require.Equal(t, []string{"reserve", "charge", "packing", "ship", "refund", "release"}, node.Saga.Steps)
	require.Equal(t, "approved by Olga", node.Approval.Outcome)

	require.Equal(t, office.Letter{To: "nora@example.com", Text: "hello"}, node.Mail.Letter)
	require.Equal(t, 1, node.Mail.Number)

	reports, err := metrics.ListReports.Call(ctx, troupe.GetOrCreate[metrics.Analytics](cl, "main"), nil)
	require.NoError(t, err)
	report := reports[len(reports)-1]
	requireTime(t, report.GeneratedAt, node.Analytics.Report.GeneratedAt)
	report.GeneratedAt = node.Analytics.Report.GeneratedAt
	require.Equal(t, report, node.Analytics.Report)

	logs, err := company.GetLogs.Call(ctx, troupe.GetOrCreate[company.AuditLog](cl, "main"), nil)
	require.NoError(t, err)
	entry := logs[len(logs)-1]
	requireTime(t, entry.Timestamp, node.Audit.Entry.Timestamp)
	entry.Timestamp = node.Audit.Entry.Timestamp
	require.Equal(t, entry, node.Audit.Entry)
	require.Equal(t, node.Audit.User, *entry.User)

	item := node.Batch.Result.Item
	processed, err := work.Process.Call(ctx, troupe.GetOrCreate[work.Processor](cl, item.Type), item)
	require.NoError(t, err)
	require.Equal(t, processed, node.Batch.Result)
	_, err = work.Process.Call(ctx, troupe.GetOrCreate[work.Processor](cl, "pdf"), item)
	node.Batch.Error.require(t, err)

	require.Equal(t, node.Carts.Pieces, node.Carts.Expired.Pieces)
	require.Equal(t, 4_90, node.Carts.Expired.Total)
	_, err = market.Look.Call(ctx, troupe.Get[market.Cart](cl, node.Carts.Cart), nil)
	require.ErrorIs(t, err, troupe.ErrNotFound, "the cart is gone")

	view, err := room.Look.Call(ctx, troupe.GetOrCreate[room.Room](cl, "lobby"), nil)
	require.NoError(t, err)
	require.Empty(t, view.Present, "Node has left")
	last := view.Messages[len(view.Messages)-2:]
	for i, message := range []room.Message{node.Chat.Said, node.Chat.Answer} {
		requireTime(t, last[i].At, message.At)
		last[i].At = message.At
		require.Equal(t, last[i], message)
	}
	require.Equal(t, "that makes 42", node.Chat.Answer.Text)
}

// requireTime compares to the millisecond, which is what JavaScript has.
func requireTime(t *testing.T, want, got time.Time) {
	t.Helper()
	require.WithinDuration(t, want, got, time.Millisecond)
}
