package actorhost

import (
	"cmp"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/version"
	"github.com/troupe-go/troupe/internal/wire"
)

// Every host is an instance of a NATS service (ADR-32) that is named after the namespace, and every action is an
// endpoint of it. So tools for NATS services show what runs where. Only the types of package micro are used:
// micro.AddService would take the calls of each endpoint from a subscription and a goroutine of its own, and would
// measure only the time until a call is in a mailbox.

// maxServiceRequests is how many service requests may wait. nats.go drops what does not fit.
const maxServiceRequests = 256

// serveService answers service requests until the host has stopped.
func (h *Host) serveService() {
	for {
		select {
		case msg := <-h.serviceRequests:
			if msg.Reply == "" || !h.out.Answerable(msg.Subject, msg.Reply) {
				continue
			}
			_, verb, _ := strings.Cut(msg.Subject, ".")
			verb, _, _ = strings.Cut(verb, ".")
			body, err := h.describe(verb, h.nc.MaxPayload()-descriptionRoom)
			if err != nil { // impossible for these types
				h.config.Logger.Error("describing the host failed", slog.String("host", h.ID()), slog.Any("error", err))
				continue
			}
			h.out.Send(&nats.Msg{Subject: msg.Reply, Data: body})
		case <-h.quit:
			return
		}
	}
}

// descriptionRoom is how many bytes of a message a description leaves.
const descriptionRoom = 512

// describe encodes the description, without those endpoints for which a message of so many bytes has no room.
func (h *Host) describe(verb string, most int64) ([]byte, error) {
	all := h.endpoints()
	for shown := len(all); ; {
		body, err := json.Marshal(h.description(verb, all[:shown], len(all)-shown))
		if err != nil || int64(len(body)) <= most || shown == 0 {
			return body, err
		}
		shown = min(shown-1, int(int64(shown)*most/int64(len(body))))
	}
}

// description returns the response of ADR-32 to a verb, with these endpoints. It says how many are left out.
func (h *Host) description(verb string, endpoints []namedEndpoint, leftOut int) any {
	s := h.presence.Session()
	identity := micro.ServiceIdentity{
		Name: h.ns.Name(), ID: s.ID, Version: serviceVersion(), Metadata: map[string]string{"host": h.config.Name},
	}
	if leftOut > 0 {
		identity.Metadata["left_out"] = fmt.Sprint(leftOut, " endpoints")
	}
	switch verb {
	case micro.InfoVerb.String():
		info := micro.Info{
			ServiceIdentity: identity, Type: micro.InfoResponseType,
			Description: "actors on " + h.config.Name + ": " + shorten(strings.Join(h.typeNames, ", ")),
		}
		for _, e := range endpoints {
			info.Endpoints = append(info.Endpoints, micro.EndpointInfo{
				Name: e.name(), Subject: h.ns.RouteType(e.actorType), QueueGroup: wire.QueueGroup,
				Metadata: map[string]string{"actor_type": e.actorType, "action": e.action},
			})
		}
		return info
	case micro.StatsVerb.String():
		stats := micro.Stats{ServiceIdentity: identity, Type: micro.StatsResponseType, Started: h.clock.Time(0).UTC()}
		for _, e := range endpoints {
			stats.Endpoints = append(stats.Endpoints, e.stats(h.ns.RouteType(e.actorType)))
		}
		return stats
	default:
		return micro.Ping{ServiceIdentity: identity, Type: micro.PingResponseType}
	}
}

// namedEndpoint is an endpoint with its actor type and action.
type namedEndpoint struct {
	actorType, action string
	*endpoint
}

// endpoints returns the actions that the program has defined, sorted.
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

// name is valid as the name of an endpoint.
func (e namedEndpoint) name() string { return e.actorType + "-" + e.action }

func (e namedEndpoint) stats(subject string) *micro.EndpointStats {
	stats := &micro.EndpointStats{
		Name: e.name(), Subject: subject, QueueGroup: wire.QueueGroup,
		NumRequests: int(e.Calls.Load()), NumErrors: int(e.Failed.Load()), ProcessingTime: e.Run.Sum(),
	}
	if text := e.LastError.Load(); text != nil {
		stats.LastError = *text
	}
	if stats.NumRequests > 0 {
		stats.AverageProcessingTime = stats.ProcessingTime / time.Duration(stats.NumRequests)
	}
	stats.Data = e.data()
	return stats
}

// endpointData is what a host tells of an action beyond ADR-32.
type endpointData struct {
	Errors map[string]int64 `json:"errors,omitempty"`     // by code: those that hosts make
	Own    map[string]int64 `json:"own_errors,omitempty"` // those that actors return on purpose
	Total  quantiles        `json:"total_ms"`             // from the arrival of a call until its answer leaves
	Wait   quantiles        `json:"wait_ms"`              // until its turn begins
	Run    quantiles        `json:"run_ms"`               // the turn
}

type quantiles struct {
	P50 float64 `json:"p50"`
	P90 float64 `json:"p90"`
	P99 float64 `json:"p99"`
}

func quantilesOf(s wire.Spread) quantiles {
	at := func(share float64) float64 { return float64(s.Quantile(share).Microseconds()) / 1000 }
	return quantiles{at(0.5), at(0.9), at(0.99)}
}

func (e namedEndpoint) data() json.RawMessage {
	f := e.Figures()
	data, err := json.Marshal(endpointData{f.Errors, f.Own, quantilesOf(f.Total), quantilesOf(f.Wait), quantilesOf(f.Run)})
	if err != nil {
		return nil // durations are numbers
	}
	return data
}

// serviceVersion is the version of the program, or 0.0.0: ADR-32 requires one.
func serviceVersion() string {
	return strings.TrimPrefix(cmp.Or(version.Program(), "v0.0.0"), "v")
}
