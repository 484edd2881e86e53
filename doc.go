// Package troupe is what callers and hosts of actors share: references, actions, events and errors.
//
// A contract is a small package of typed values that imports only this one:
//
//	// Inventory refers to the stock of one warehouse.
//	type Inventory struct{ troupe.Ref }
//
//	func (Inventory) ActorType() string { return "inventory" }
//
//	var ReserveStock = troupe.NewAction[Inventory, int, Reservation]("reserveStock")
//	var LowStock     = troupe.NewEvent[Inventory, StockLevel]("lowStock")
//
// A call reads the same in an actor, where c is an *actorhost.Context, and in a program, where it is a
// *client.Client:
//
//	inventory := troupe.GetOrCreate[shop.Inventory](c, "main")
//	reserved, err := shop.ReserveStock.Call(ctx, inventory, 5)
//
// # Options
//
// What lives long takes a struct, whose zero value is a good one and whose fields say their defaults: bus.Config,
// bus.ServerConfig, client.Config, actorhost.Config and actorhost.TypeConfig. What is said of one subscription or one
// connection is a function after its arguments: [Once], [OnGap], [OnStatus] and [Event.On].
//
// # Imports
//
// The package imports nothing but the standard library, so that a contract brings neither NATS nor msgpack to those
// who import it.
package troupe
