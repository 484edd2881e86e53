package actorhost

import (
	"context"
	"slices"
	"time"

	"github.com/troupe-go/troupe/internal/wire"
)

// traveller is a host whose time a test moves: see package travel.
type traveller struct{ h *Host }

// RunsType implements travel.Host.
func (t traveller) RunsType(ns wire.Namespace, actorType string) bool {
	return ns == t.h.ns && !t.h.nc.IsClosed() && t.h.untilStop.Err() == nil && slices.Contains(t.h.typeNames, actorType)
}

// NextDue implements travel.Host.
func (t traveller) NextDue() (ns wire.Namespace, tokens string, at time.Time, ok bool) {
	a, at, ok := t.h.agenda.Next()
	if !ok || t.h.nc.IsClosed() {
		return ns, "", at, false
	}
	return t.h.ns, a.id.Tokens(), at, true
}

// Works implements travel.Host.
func (t traveller) Works() bool { return !t.h.nc.IsClosed() && t.h.flows.Load() > 0 }

// Travel implements travel.Host.
func (t traveller) Travel(ctx context.Context) error {
	t.h.agenda.Recheck()
	_, err := t.h.alarms.Check(ctx) // it hears of alarms from then on
	if t.h.nc.IsClosed() {
		return nil // that is why
	}
	return err
}
