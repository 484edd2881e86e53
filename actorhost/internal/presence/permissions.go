package presence

import (
	"slices"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// Needs reports which subjects a host cannot do without, for [rpc.NewGuard]. Two questions of JetStream's it only would
// like to ask, and a third unless it has durable subscribers.
func Needs(nc *nats.Conn, ns wire.Namespace, durable bool) func(publish bool, subject string) bool {
	inbox, _, _ := strings.Cut(nc.NewInbox(), ".")
	both := []string{"$JS.", "$KV.", inbox + ".", ns.Name() + ".host."}
	published := append(slices.Clip(both), ns.Name()+".journal.") // subjects of calls and broadcasts are up to the actors
	heard := append(slices.Clip(both), ns.Name()+".route.", ns.Name()+".call.")
	return func(publish bool, subject string) bool {
		needed := heard
		if publish {
			needed = published
		}
		switch subject {
		case store.ClusterQuestion(ns), store.ArchiveQuestion(ns):
			return false
		case store.SubscriptionsQuestion(ns):
			return durable
		}
		return slices.ContainsFunc(needed, func(prefix string) bool { return strings.HasPrefix(subject, prefix) })
	}
}
