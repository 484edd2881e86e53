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
// A call reads the same in an actor and in a program. In an actor c is the *actorhost.Context, in a program a
// *client.Client:
//
//	inventory := troupe.GetOrCreate[shop.Inventory](c, "main")
//	reserved, err := shop.ReserveStock.Call(ctx, inventory, 5)
//
// # Options
//
// Options come in two styles. What lives long takes a struct: bus.Config, bus.ServerConfig, client.Config,
// actorhost.Config and actorhost.TypeConfig. Its zero value is a good one, and each field names its default. One
// subscription or one connection takes functions, after its other arguments: [Once], [OnGap], [OnStatus] and [Event.On].
//
// # Imports
//
// The package imports only the standard library. So a contract brings neither NATS nor msgpack to those who import it.
package troupe
