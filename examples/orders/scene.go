package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/examples/internal/stage"
	"github.com/troupe-go/troupe/examples/orders/shop"
)

// The orders of the scene. A piece is 19.90, or a good deal more for Dora, whose card refuses.
var basket = []shop.Order{
	{CustomerID: "anna", Quantity: 5, Amount: 5 * 19_90},
	{CustomerID: "ben", Quantity: 12, Amount: 12 * 19_90},
	{CustomerID: "carl", Quantity: 5000, Amount: 5000 * 19_90},
	{CustomerID: "dora", Quantity: 2, Amount: 2 * 999_00},
}

var tour = stage.Tour{
	Calls: []stage.Call{
		{Type: "inventory", Key: "main", Action: "restock", Input: "10"},
		{Type: "inventory", Key: "main", Action: "reserveStock", Input: "5"},
		{Type: "inventory", Key: "main", Action: "stockLeft"},
		{Type: "orderProcessor", Key: "eu", Action: "processOrder", Input: `{"id":"my-1","customerId":"me","quantity":1,"amount":1990}`},
		{Type: "orderProcessor", Key: "eu", Action: "listOrders"},
	},
	Watch: "inventory main",
}

// scene places the orders of the basket one after the other.
func scene(ctx context.Context, s *stage.Stage, c *client.Client) error {
	s.Title("Order processing", "A processor reserves stock with one actor, then charges the customer with another.")
	inventory := troupe.GetOrCreate[shop.Inventory](c, "main")
	before, err := openStock(ctx, s, inventory)
	if err != nil {
		return err
	}
	processor := troupe.GetOrCreate[shop.OrderProcessor](c, "eu")
	for _, order := range basket {
		order.ID = rand.Text()[:8]
		if err := place(ctx, s, processor, order); err != nil {
			return err
		}
	}

	after, err := shop.StockLeft.Call(ctx, inventory, nil)
	if err != nil {
		return fmt.Errorf("counting the stock: %w", err)
	}
	orders, err := shop.ListOrders.Call(ctx, processor, nil)
	if err != nil {
		return fmt.Errorf("listing the orders: %w", err)
	}
	s.Line("")
	s.Line("stock %d → %d. What was refused took nothing: Dora's two pieces are back.", before, after)
	s.Line("The processor has kept %d orders; run this again and it will know them.", len(orders))
	return nil
}

// openStock shows the stock. Earlier runs may have left little of it.
func openStock(ctx context.Context, s *stage.Stage, inventory shop.Inventory) (int, error) {
	stock, err := shop.StockLeft.Call(ctx, inventory, nil)
	if err != nil {
		return 0, fmt.Errorf("counting the stock: %w", err)
	}
	s.Line("stock %d in the warehouse %s", stock, inventory.ID().KeyString())
	if stock < 2*lowStock {
		if stock, err = shop.Restock.Call(ctx, inventory, fullStock-stock); err != nil {
			return 0, fmt.Errorf("restocking: %w", err)
		}
		s.Done("a delivery came in: stock %d", stock)
	}
	s.Line("")
	return stock, nil
}

// place sends one order. That an order is refused is part of the story; any other error ends it.
func place(ctx context.Context, s *stage.Stage, processor shop.OrderProcessor, order shop.Order) error {
	what := fmt.Sprintf("%-5s %5d pieces  %11s", order.CustomerID, order.Quantity, euros(order.Amount))
	began := time.Now()
	result, err := shop.ProcessOrder.Call(ctx, processor, order)
	refused, _ := errors.AsType[*troupe.Error](err)
	switch {
	case err == nil:
		s.Done("%s   paid, %s  %s", what, result.Payment.TransactionID, s.Dim(time.Since(began).Round(10*time.Microsecond).String()))
	case errors.Is(err, shop.ErrOutOfStock):
		s.Refused("%s   %s: %v left", what, refused.Code, refused.Metadata["left"])
	case errors.Is(err, shop.ErrCardRefused):
		s.Refused("%s   %s: %s at most; the reservation is released", what, refused.Code, euros(toInt(refused.Metadata["limit"])))
	default:
		return fmt.Errorf("the order of %s: %w", order.CustomerID, err)
	}
	return nil
}

// toInt reads an integer of an error's metadata.
func toInt(value any) int {
	n, _ := value.(int64)
	return int(n)
}

func euros(cents int) string { return fmt.Sprintf("€%d.%02d", cents/100, cents%100) }
