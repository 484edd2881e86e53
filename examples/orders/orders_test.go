package main

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/examples/internal/stage/stagetest"
	"github.com/troupe-go/troupe/examples/orders/shop"
)

func TestMain(m *testing.M) { hosttest.Main(m) }

func TestProgram(t *testing.T) {
	t.Parallel()
	stagetest.RunTwice(t, run)
	stagetest.Take(t, tour, actors...)
}

// world is what a test talks to.
type world struct {
	*hosttest.Bus

	inventory shop.Inventory
	processor shop.OrderProcessor
}

func start(t *testing.T) world {
	t.Helper()
	b := hosttest.Start(t, actors...)
	return world{b, troupe.GetOrCreate[shop.Inventory](b.Client, "main"), troupe.GetOrCreate[shop.OrderProcessor](b.Client, "eu")}
}

func (w world) requireStock(t *testing.T, want int) {
	t.Helper()
	got, err := shop.StockLeft.Call(t.Context(), w.inventory, nil)
	require.NoError(t, err)
	require.Equal(t, want, got)
}

func (w world) orders(t *testing.T) []shop.ProcessedOrder {
	t.Helper()
	orders, err := shop.ListOrders.Call(t.Context(), w.processor, nil)
	require.NoError(t, err)
	return orders
}

func TestOrderIsReservedPaidAndKept(t *testing.T) {
	t.Parallel()
	w := start(t)
	order := shop.Order{ID: "o1", CustomerID: "anna", Quantity: 5, Amount: 99_50}
	result, err := shop.ProcessOrder.Call(t.Context(), w.processor, order)
	require.NoError(t, err)
	require.True(t, result.Success)
	require.Equal(t, "o1", result.OrderID)
	require.NotEmpty(t, result.Payment.TransactionID)
	w.requireStock(t, fullStock-5)

	orders := w.orders(t)
	require.Len(t, orders, 1)
	require.Equal(t, order, orders[0].Order)
	require.Equal(t, "completed", orders[0].Status)
	require.Equal(t, result.Payment, orders[0].Payment)
	require.False(t, orders[0].CompletedAt.IsZero())

	again, err := shop.ProcessOrder.Call(t.Context(), w.processor, order)
	require.NoError(t, err)
	require.Equal(t, result, again, "an order is processed once")
	w.requireStock(t, fullStock-5)
}

func TestTooLargeOrderTakesNothing(t *testing.T) {
	t.Parallel()
	w := start(t)
	_, err := shop.ProcessOrder.Call(t.Context(), w.processor, shop.Order{ID: "o1", CustomerID: "carl", Quantity: 101, Amount: 1})
	require.ErrorIs(t, err, shop.ErrOutOfStock)
	var refused *troupe.Error
	require.ErrorAs(t, err, &refused)
	require.Equal(t, map[string]any{"wanted": int64(101), "left": int64(100)}, refused.Metadata)
	w.requireStock(t, fullStock)
	require.Empty(t, w.orders(t))
}

func TestRefusedPaymentReleasesTheReservation(t *testing.T) {
	t.Parallel()
	w := start(t)
	_, err := shop.ProcessOrder.Call(t.Context(), w.processor, shop.Order{ID: "o1", CustomerID: "dora", Quantity: 2, Amount: cardLimit + 1})
	require.ErrorIs(t, err, shop.ErrCardRefused)
	var refused *troupe.Error
	require.ErrorAs(t, err, &refused)
	require.Equal(t, int64(cardLimit), refused.Metadata["limit"])
	w.requireStock(t, fullStock)
	require.Empty(t, w.orders(t))
}

func TestStockIsNeverSoldTwice(t *testing.T) {
	t.Parallel()
	w := start(t)
	var wg sync.WaitGroup
	sold := make(chan int, 40)
	for i := range cap(sold) {
		wg.Go(func() {
			region := troupe.GetOrCreate[shop.OrderProcessor](w.Client, strconv.Itoa(i%4))
			order := shop.Order{ID: strconv.Itoa(i), CustomerID: strconv.Itoa(i), Quantity: 7, Amount: 1}
			if _, err := shop.ProcessOrder.Call(t.Context(), region, order); err == nil {
				sold <- order.Quantity
			} else if !errors.Is(err, shop.ErrOutOfStock) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	require.Len(t, sold, fullStock/7)
	w.requireStock(t, fullStock%7)
}

func TestBadInputIsRefused(t *testing.T) {
	t.Parallel()
	w := start(t)
	for _, order := range []shop.Order{
		{CustomerID: "anna", Quantity: 1, Amount: 1},
		{ID: "o1", Quantity: 1, Amount: 1},
		{ID: "o1", CustomerID: "anna", Amount: 1},
		{ID: "o1", CustomerID: "anna", Quantity: -1, Amount: 1},
		{ID: "o1", CustomerID: "anna", Quantity: 1},
	} {
		_, err := shop.ProcessOrder.Call(t.Context(), w.processor, order)
		require.ErrorIs(t, err, shop.ErrBadOrder)
	}
	_, err := shop.ReserveStock.Call(t.Context(), w.inventory, -5)
	require.ErrorIs(t, err, shop.ErrBadQuantity)
	_, err = shop.Restock.Call(t.Context(), w.inventory, 0)
	require.ErrorIs(t, err, shop.ErrBadQuantity)
	w.requireStock(t, fullStock)
}

func TestLowStockIsTold(t *testing.T) {
	t.Parallel()
	w := start(t)
	levels := make(chan shop.StockLevel, 10)
	_, err := shop.LowStock.Subscribe(t.Context(), w.inventory, func(_ context.Context, level shop.StockLevel) error {
		levels <- level
		return nil
	})
	require.NoError(t, err)
	for range 10 { // it crosses the mark once
		_, err := shop.ReserveStock.Call(t.Context(), w.inventory, 9)
		require.NoError(t, err)
	}
	require.Equal(t, shop.StockLevel{Warehouse: "main", Left: 19}, <-levels)
	_, err = shop.Restock.Call(t.Context(), w.inventory, 10)
	require.NoError(t, err)
	_, err = shop.ReserveStock.Call(t.Context(), w.inventory, 15)
	require.NoError(t, err)
	require.Equal(t, shop.StockLevel{Warehouse: "main", Left: 5}, <-levels)
}
