package main

import (
	"crypto/rand"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/client/inspect"
	"github.com/troupe-go/troupe/examples/internal/stage/stagetest"
)

// order is an actor type with an action that can hang.
type order struct{ troupe.Ref }

func (order) ActorType() string { return "order" }

type orderState struct {
	Items []string `json:"items"`
	Paid  bool     `json:"paid"`
}

var (
	putItem = troupe.NewAction[order, string, int]("put")
	pay     = troupe.NewAction[order, troupe.None, troupe.None]("pay")
	ship    = troupe.NewWorkflow[order, string, string]("ship")
	arrived = troupe.NewSignal[order, string]("arrived")
	refund  = troupe.NewQueue[order, int]("refund")
	added   = troupe.NewEvent[order, string]("added")
)

// customer is an actor type whose actors call orders.
type customer struct{ troupe.Ref }

func (customer) ActorType() string { return "customer" }

var buy = troupe.NewAction[customer, []string, troupe.None]("buy")

// customers put a hat into each of some orders, and nothing into the one that is called so.
func customers() actorhost.Definition {
	return actorhost.Define(func() struct{} { return struct{}{} },
		actorhost.On(buy, actorhost.NoOut(func(_ *struct{}, c *actorhost.Context, orders []string) error {
			for _, key := range orders {
				item := "hat"
				if key == "nothing" {
					item = ""
				}
				_, _ = putItem.Call(c, troupe.GetOrCreate[order](c, key), item) // nothing is refused
			}
			return nil
		})))
}

// orders are those whose payment never comes back while the test runs.
func orders(t *testing.T) actorhost.Definition {
	t.Helper()
	over := t.Context().Done()
	return actorhost.Define(func() orderState { return orderState{} },
		actorhost.On(putItem, func(s *orderState, c *actorhost.Context, item string) (int, error) {
			if item == "" {
				return 0, troupe.NewError("no_item", "an item has a name")
			}
			if len(s.Items) == 3 {
				s.Items = nil
			}
			s.Items = append(s.Items, item)
			return len(s.Items), added.Broadcast(c, item)
		}),
		actorhost.OnQueue(refund, func(*orderState, *actorhost.Context, int) error {
			return troupe.NewError("closed", "the bank is closed")
		}, actorhost.Retries{Attempts: 1}),
		actorhost.On(pay, actorhost.NoInNoOut(func(*orderState, *actorhost.Context) error { return waitForBank(over) })),
		actorhost.OnSignal[order, orderState](arrived),
		actorhost.OnWorkflow(ship, func(w *actorhost.Flow[orderState], to string) (string, error) {
			for _, name := range []string{"pick", "pack", "label"} {
				if _, err := actorhost.Step(w, name, func(*actorhost.StepContext) (string, error) { return name + " for " + to, nil }); err != nil {
					return "", err
				}
			}
			return actorhost.Wait(w, arrived, "onTheWay", time.Hour)
		}),
	)
}

func waitForBank(over <-chan struct{}) error { <-over; return nil }

// TestStuckActorIsFound looks for one order that hangs among two thousand, in the pages of package inspect.
func TestStuckActorIsFound(t *testing.T) {
	t.Parallel()
	browser := chromium(t)
	b := hosttest.Start(t, orders(t), customers())
	b.Host(orders(t), customers())
	var all errgroup.Group
	const workers, each = 16, 125
	for worker := range workers {
		all.Go(func() error {
			for i := range each {
				_, err := putItem.Call(t.Context(), troupe.GetOrCreate[order](b.Client, "shop", fmt.Sprint(worker*each+i)), "hat")
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	require.NoError(t, all.Wait())
	const hostileKey = "<script>alert(1)</script>\x00\u202e"
	hostile := troupe.GetOrCreate[order](b.Client, hostileKey)
	long := strings.Repeat("k", 1024)
	for who, whose := range map[string][]string{
		"ann": {"busy", hostileKey}, "bob": {hostileKey, long, "nothing", "שלום", "a", "b", "c"}, "<b>\u202e": {hostileKey}, long: {hostileKey},
	} {
		_, err := buy.Call(t.Context(), troupe.GetOrCreate[customer](b.Client, who), whose)
		require.NoError(t, err)
	}
	_, err := putItem.Call(t.Context(), hostile, "<img src=x onerror=alert(2)>")
	require.NoError(t, err)
	require.NoError(t, refund.Push(t.Context(), hostile, 100))
	require.NoError(t, refund.Push(t.Context(), troupe.GetOrCreate[order](b.Client, "shop", "17"), 17))
	_, err = putItem.Call(t.Context(), hostile, "")
	require.Error(t, err)
	require.NoError(t, ship.Start(t.Context(), troupe.GetOrCreate[order](b.Client, "shop", "17"), "Ann"))
	stuck := make(chan struct{})
	go func() {
		defer close(stuck)
		_, _ = pay.Call(t.Context(), troupe.GetOrCreate[order](b.Client, "shop", "1234"), nil) // nobody waits for it at the end
	}()
	t.Cleanup(func() { <-stuck })

	busy := make(chan struct{})
	go func() { // so that there are rates to be seen
		defer close(busy)
		for tick := time.NewTicker(5 * time.Millisecond); t.Context().Err() == nil; <-tick.C {
			_, _ = putItem.Call(t.Context(), troupe.GetOrCreate[order](b.Client, "busy"), "hat") // the last one is canceled
		}
	}()
	t.Cleanup(func() { <-busy })

	token := rand.Text()
	pages, err := inspect.New(b.Connect(), inspect.Config{Token: token})
	require.NoError(t, err)
	server := httptest.NewServer(pages)
	t.Cleanup(server.Close)
	pictures := t.ArtifactDir()
	env := []string{"PAGES=" + server.URL, "TOKEN=" + token, "PICTURES=" + pictures, "CHROMIUM=" + browser}
	stagetest.Node(t, "browser", env, "--test", "inspect.test.mjs")
}
