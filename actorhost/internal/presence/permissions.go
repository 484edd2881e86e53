package presence

import (
	"slices"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// Needs reports which subjects a host cannot do without, for [link.NewGuard]. What else it would like to ask JetStream, or to
// hear from it, it can do without; one of the questions only unless it has durable subscribers.
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
		if strings.Contains(subject, "."+store.AlarmsName(ns)) { // only those need it who schedule something
			return false
		}
		switch subject {
		case "":
			return !publish
		case store.ClusterQuestion(ns), store.ArchiveQuestion(ns), store.StreamAdvisories:
			return false
		case store.SubscriptionsQuestion(ns):
			return durable
		}
		return slices.ContainsFunc(needed, func(prefix string) bool { return strings.HasPrefix(subject, prefix) })
	}
}
