// Package gateway lets programs without a NATS client reach actors, by HTTP: a POST calls an action, a GET listens to events. The
// command troupe gateway serves it on its own. A program can do so beside its own pages:
//
//	g, err := gateway.New(gateway.Config{Connect: connect, Hosts: []string{"api.example.com"}})
//	mux.Handle("/actors/", http.StripPrefix("/actors", g))
//
// Who calls is a matter of NATS: each user that comes has a connection of its own, so that the permissions of the server hold.
// docs/gateway.md has paths, headers, errors and limits.
package gateway
