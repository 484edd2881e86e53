// Package client lets a program call actors, subscribe to their events and connect with them.
//
//	nc, err := bus.Connect(ctx, bus.Config{URL: "nats://127.0.0.1:4222"})
//	...
//	cl, err := client.New(nc, client.Config{})
//	...
//	defer cl.Close(ctx)
//	reserved, err := shop.ReserveStock.Call(ctx, troupe.GetOrCreate[shop.Inventory](cl, "main"), 5)
package client
