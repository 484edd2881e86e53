package actorhost

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/troupe-go/troupe/internal/probe"
	"github.com/troupe-go/troupe/internal/wire"
)

// Why a host is not ready.
var (
	errStarting = errors.New("actorhost: the host has not started yet")
	errStopping = errors.New("actorhost: the host stops, or has stopped")
)

// Ready returns nil while the host takes calls. Otherwise the error says why it does not: it has not started, it stops or was asked to
// drain, it is not connected, or it cannot prove by its own clock that it has its lease. Ready asks nobody, and takes no time.
func (h *Host) Ready() error {
	if h.stopped.Load() || h.draining.Load() || h.displaced.Load() != nil {
		return errStopping
	}
	select {
	case <-h.started:
	default:
		return errStarting
	}
	switch s := h.presence.Session(); {
	case !h.nc.IsConnected(), !h.control.IsConnected():
		return fmt.Errorf("actorhost: %w", wire.ErrDisconnected)
	case !s.Valid():
		return fmt.Errorf("actorhost: %w", s.Err())
	}
	return nil
}

// Probes answers an orchestrator such as Kubernetes. GET /livez is 200 as long as the program answers at all: what is wrong with NATS, no
// restart of a host mends. GET /readyz is 200 while [Host.Ready] returns nil, and otherwise 503 with the reason as one line. It is for
// programs with a web server of their own. For others there is Config.Probes, which answers while the host starts, too.
func (h *Host) Probes() http.Handler { return probe.Handler(h.Ready) }

// listenForProbes listens at Config.Probes, if that is set.
func (h *Host) listenForProbes(ctx context.Context) (err error) {
	if h.config.Probes != "" {
		h.probes, err = probe.Listen(ctx, h.config.Probes, h.Ready)
	}
	return err
}

func (h *Host) stopListeningForProbes() {
	if h.probes != nil {
		h.probes.Close()
	}
}
