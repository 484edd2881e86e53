package actorhost

import (
	"encoding/json"
	"log/slog"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/wire"
)

// Every host is an instance of a NATS service (ADR-32) with the name of the namespace, and every action an endpoint of it,
// so that the tools for those show what runs where. Package micro is not used for more than its types: it would take each
// call off a subscription of its own, on a goroutine of its own, and count the time until it is in a mailbox.

// maxServiceRequests is how many questions of others may wait. What comes beyond is dropped, as NATS drops it.
const maxServiceRequests = 256

// serveService answers what others ask about the host, until it has stopped.
func (h *Host) serveService() {
	for {
		select {
		case msg := <-h.serviceRequests:
			if msg.Reply == "" || !h.out.Answerable(msg) {
				continue
			}
			_, verb, _ := strings.Cut(msg.Subject, ".")
			verb, _, _ = strings.Cut(verb, ".")
			body, err := json.Marshal(h.description(verb))
			if err != nil { // which no value of these types can cause
				h.config.Logger.Error("describing the host failed", slog.String("host", h.ID()), slog.Any("error", err))
				continue
			}
			h.out.Send(&nats.Msg{Subject: msg.Reply, Data: body})
		case <-h.quit:
			return
		}
	}
}

// description is what ADR-32 wants to know.
func (h *Host) description(verb string) any {
	s := h.presence.Session()
	identity := micro.ServiceIdentity{
		Name: h.ns.Name(), ID: s.ID, Version: programVersion(), Metadata: map[string]string{"host": h.config.Name},
	}
	switch verb {
	case micro.InfoVerb.String():
		info := micro.Info{
			ServiceIdentity: identity, Type: micro.InfoResponseType,
			Description: "actors on " + h.config.Name + ": " + strings.Join(h.typeNames, ", "),
		}
		for _, e := range h.endpoints() {
			info.Endpoints = append(info.Endpoints, micro.EndpointInfo{
				Name: e.name(), Subject: h.ns.RouteType(e.actorType), QueueGroup: wire.QueueGroup,
				Metadata: map[string]string{"actor_type": e.actorType, "action": e.action},
			})
		}
		return info
	case micro.StatsVerb.String():
		stats := micro.Stats{ServiceIdentity: identity, Type: micro.StatsResponseType, Started: h.clock.Time(0).UTC()}
		for _, e := range h.endpoints() {
			stats.Endpoints = append(stats.Endpoints, e.stats(h.ns.RouteType(e.actorType)))
		}
		return stats
	default:
		return micro.Ping{ServiceIdentity: identity, Type: micro.PingResponseType}
	}
}

// namedEndpoint is an endpoint with its names.
type namedEndpoint struct {
	actorType, action string
	*endpoint
}

// endpoints are the actions of all types that the program has defined, in order.
func (h *Host) endpoints() (all []namedEndpoint) {
	for _, actorType := range slices.Sorted(maps.Keys(h.types)) {
		kind := h.types[actorType]
		for _, action := range slices.Sorted(maps.Keys(kind.actions)) {
			e := namedEndpoint{actorType, action, kind.actions[action]}
			if !wire.Builtin(action) || action == troupe.CreateAction && kind.create != nil {
				all = append(all, e)
			}
		}
	}
	return all
}

// name is legal for an endpoint.
func (e namedEndpoint) name() string { return e.actorType + "-" + e.action }

func (e namedEndpoint) stats(subject string) *micro.EndpointStats {
	stats := &micro.EndpointStats{
		Name: e.name(), Subject: subject, QueueGroup: wire.QueueGroup,
		NumRequests: int(e.Calls.Load()), NumErrors: int(e.Failed.Load()), ProcessingTime: time.Duration(e.Took.Load()),
	}
	if text := e.LastError.Load(); text != nil {
		stats.LastError = *text
	}
	if stats.NumRequests > 0 {
		stats.AverageProcessingTime = stats.ProcessingTime / time.Duration(stats.NumRequests)
	}
	return stats
}

// programVersion is the version that the build has stamped into the program, or 0.0.0: ADR-32 wants one.
func programVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		if version, ok := strings.CutPrefix(info.Main.Version, "v"); ok {
			return version
		}
	}
	return "0.0.0"
}
