package client

import (
	"context"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe/internal/link"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// typeTimeout bounds what is looked up to tell a type whose hosts are away from one that is misspelt.
const typeTimeout = 2 * time.Second

// knowsType reports whether an actor of a type has a record, or a host of it a lease. Many programs may not look: to them
// the type is unknown.
func knowsType(ctx context.Context, nc *nats.Conn, ns wire.Namespace, actorType string) bool {
	guard := link.NewGuard(ctx, nc, func(publish bool, subject string) bool { return publish && strings.HasPrefix(subject, "$JS.API.") })
	defer guard.End()
	ctx, cancel := context.WithTimeout(guard.Context(), typeTimeout)
	defer cancel()
	if records, err := store.FindRecords(ctx, nc, ns); err != nil || records == nil {
		return false
	} else if known, err := records.HasType(ctx, actorType); known || err != nil {
		return known
	}
	leases, err := store.FindHosts(ctx, nc, ns)
	if err != nil || leases == nil {
		return false
	}
	hosts, _ := leases.All(ctx)
	for _, host := range hosts {
		if host.MayRun(actorType) {
			return true
		}
	}
	return false
}
