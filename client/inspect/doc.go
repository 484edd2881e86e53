// Package inspect serves web pages that show what the hosts and actors of a namespace do: what runs and for how long, how often
// actions are called and fail, what each host has, the state of one actor, its queues, its neighbours and what it broadcasts, what is
// stuck. The command troupe inspect serves them on their own. A program can do so beside its own pages:
//
//	pages, err := inspect.New(nc, inspect.Config{Hosts: []string{"ops.example.com"}})
//	mux.Handle("/inspect/", http.StripPrefix("/inspect", pages))
//
// The pages have what the user of the connection may see, the states of actors among it: whoever may get them sees all of that. They
// ask for no password. Without a [Config.Token] they change nothing. They wake no actor by looking, and make no consumer.
package inspect
