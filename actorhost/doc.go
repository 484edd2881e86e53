// Package actorhost runs actors: it places them, takes their turns, stores their state and puts them to sleep.
//
// An actor is a plain struct. Its exported fields are its state, which survives everything; its unexported ones last
// for one activation. Its actions are methods:
//
//	type inventoryState struct{ Stock int }
//
//	func (s *inventoryState) reserveStock(c *actorhost.Context, quantity int) (shop.Reservation, error) {
//		s.Stock -= quantity
//		return shop.Reservation{Reserved: quantity}, nil
//	}
//
//	var Inventory = actorhost.Define(func() inventoryState { return inventoryState{Stock: 100} },
//		actorhost.On(shop.ReserveStock, (*inventoryState).reserveStock))
//
//	host, err := actorhost.Start(ctx, nc, actorhost.Config{}, Inventory)
//
// One action of an actor runs at a time, its turn. The reply to a call, and the events that the action broadcasts,
// leave once the state that the action left behind is stored in JetStream; an action that returns an error or panics
// leaves the state as it was.
package actorhost
