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
// The package imports nothing but the standard library, so that a contract brings neither NATS nor msgpack to those
// who import it.
package troupe
