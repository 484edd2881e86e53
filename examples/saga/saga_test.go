package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/examples/internal/stage/stagetest"
	"github.com/troupe-go/troupe/examples/saga/checkout"
)

func TestMain(m *testing.M) { hosttest.Main(m) }

func TestProgram(t *testing.T) {
	t.Parallel()
	stagetest.RunTwice(t, run)
	stagetest.Take(t, tour, actors...)
}

var (
	hat  = checkout.Order{Customer: "anna", Pieces: 3, Cents: 49_00, To: "Oslo"}
	moon = checkout.Order{Customer: "anna", Pieces: 3, Cents: 49_00, To: "the Moon"}
)

// requireStock checks what the warehouse has, and what anna has paid.
func requireStock(t *testing.T, c *client.Client, shipped, spent int) {
	t.Helper()
	stock, err := checkout.Count.Call(t.Context(), troupe.GetOrCreate[checkout.Warehouse](c, "main"), nil)
	require.NoError(t, err)
	require.Equal(t, checkout.Stock{Left: fullStock - shipped, Shipped: shipped}, stock)
	paid, err := checkout.Spent.Call(t.Context(), troupe.GetOrCreate[checkout.Card](c, "anna"), nil)
	require.NoError(t, err)
	require.Equal(t, spent, paid)
}

// The host is killed before and after each step, and each undo. Every effect happens once.
func TestHostIsKilledInEachStep(t *testing.T) {
	t.Parallel()
	type order struct {
		checkout.Order

		steps []string
	}
	for name, o := range map[string]order{
		"taken":  {hat, []string{"reserve", "charge", "ship"}},
		"undone": {moon, []string{"reserve", "charge", "ship", "refund", "release"}},
	} {
		for _, step := range o.steps {
			for when, crash := range map[string]func(*hosttest.Bus){
				"before": func(b *hosttest.Bus) { b.CrashBefore(step) },
				"after":  func(b *hosttest.Bus) { b.CrashAfter(step) },
			} {
				t.Run(name+" "+when+" "+step, func(t *testing.T) {
					t.Parallel()
					b := hosttest.Start(t, actors...)
					crash(b)
					receipt, err := checkout.Place.Run(t.Context(), troupe.GetOrCreate[checkout.Checkout](b.Client, "o1"), o.Order)
					if name == "undone" {
						require.ErrorIs(t, err, checkout.ErrTooFar)
						requireStock(t, b.Client, 0, 0)
						return
					}
					require.NoError(t, err)
					require.Equal(t, checkout.Receipt{Transaction: "tx-o1", Cents: 49_00}, receipt)
					requireStock(t, b.Client, 3, 49_00)
				})
			}
		}
	}
}

func TestEachRefusalUndoesWhatWasDone(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, actors...)
	for name, test := range map[string]struct {
		order checkout.Order
		want  error
		steps []string
	}{
		"bad":  {checkout.Order{}, checkout.ErrBadOrder, nil},
		"many": {checkout.Order{Customer: "anna", Pieces: fullStock + 1, Cents: 1}, checkout.ErrSoldOut, []string{"reserve", "release"}},
		"dear": {checkout.Order{Customer: "anna", Pieces: 1, Cents: cardLimit + 1}, checkout.ErrCardRefused, []string{"reserve", "charge", "refund", "release"}},
		"far":  {moon, checkout.ErrTooFar, []string{"reserve", "charge", "packing", "ship", "refund", "release"}},
	} {
		run := troupe.GetOrCreate[checkout.Checkout](b.Client, name)
		_, err := checkout.Place.Run(t.Context(), run, test.order)
		require.ErrorIs(t, err, test.want, name)
		shown, err := checkout.Place.Show(t.Context(), run)
		require.NoError(t, err)
		var steps []string
		for _, step := range shown.Steps {
			steps = append(steps, step.Name)
		}
		require.Equal(t, test.steps, steps, name)
	}
	requireStock(t, b.Client, 0, 0)
}

// A process with the actors is killed again and again while orders are under way, and started anew.
func TestProcessIsKilled(t *testing.T) {
	t.Parallel()
	stagetest.Read(t, "*.go")
	binary := filepath.Join(t.TempDir(), "saga")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".").CombinedOutput()
	require.NoError(t, err, "%s", out)
	server, err := bus.StartServer(bus.ServerConfig{Memory: true, Listen: "127.0.0.1:0"})
	require.NoError(t, err)
	t.Cleanup(server.Shutdown)
	nc, err := server.Connect(bus.Config{Name: t.Name()})
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	c, err := client.New(nc, client.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close(context.Background())) })

	const kills, each = 4, 5
	var runs []checkout.Checkout
	for range kills {
		host := serve(t, binary, server.URL())
		for range each {
			run := troupe.GetOrCreate[checkout.Checkout](c, fmt.Sprint("o", len(runs)))
			start(t, run)
			runs = append(runs, run)
		}
		require.NoError(t, host.Process.Kill()) // in the middle of some of them
		require.Error(t, host.Wait())
	}
	host := serve(t, binary, server.URL())
	for _, run := range runs {
		_, err := checkout.Place.Result(t.Context(), run)
		require.NoError(t, err)
	}
	requireStock(t, c, 3*kills*each, 49_00*kills*each)
	require.NoError(t, host.Process.Signal(os.Interrupt))
	_ = host.Wait()
}

// serve runs the program.
func serve(t *testing.T, binary, url string) *exec.Cmd {
	t.Helper()
	host := exec.CommandContext(context.WithoutCancel(t.Context()), binary, "--serve", "--quiet")
	host.Env = append(os.Environ(), "NATS_CONTEXT=", "NATS_URL="+url)
	require.NoError(t, host.Start())
	t.Cleanup(func() { _ = host.Process.Kill() })
	return host
}

// start starts an order, once a host is up.
func start(t *testing.T, run checkout.Checkout) {
	t.Helper()
	require.Eventually(t, func() bool {
		err := checkout.Place.Start(t.Context(), run, hat)
		if !errors.Is(err, troupe.ErrUnknownType) {
			require.NoError(t, err)
		}
		return err == nil
	}, 60*time.Second, 10*time.Millisecond)
}
