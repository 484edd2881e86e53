package tenants

import (
	"cmp"
	"slices"

	"github.com/troupe-go/troupe/internal/wire"
)

// MaxTold is how many tenants [Tenants.Info] lists.
const MaxTold = 20

// Info describes the tenants that take the most, by the calls that wait, the actors that are awake and the bytes that are stored.
func (t *Tenants) Info() []wire.TenantInfo {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	all := make([]wire.TenantInfo, 0, len(t.byName))
	for _, one := range t.byName {
		all = append(all, wire.TenantInfo{
			Tenant: one.name, Awake: one.awake, Connections: one.connections.Load(), Waiting: one.waiting.Load(),
			Bytes: one.bytes.Load(), Stored: one.grown.stored(), Refused: one.refused.Load(),
		})
	}
	for name, stored := range t.stored {
		if t.byName[name] == nil {
			all = append(all, wire.TenantInfo{Tenant: name, Stored: stored})
		}
	}
	t.mu.Unlock()
	slices.SortFunc(all, func(a, b wire.TenantInfo) int {
		return cmp.Or(cmp.Compare(b.Waiting, a.Waiting), cmp.Compare(b.Awake, a.Awake), cmp.Compare(b.Stored, a.Stored),
			cmp.Compare(a.Tenant, b.Tenant))
	})
	return slices.Clone(all[:min(len(all), MaxTold)])
}
