package actorhost

import (
	"net/http"

	"github.com/troupe-go/troupe/internal/probe"
)

// Probes answers an orchestrator such as Kubernetes. GET /livez is 200 as long as the program answers at all: what is wrong with NATS, no
// restart of a host mends. GET /readyz is 200 while [Host.Ready] returns nil, and otherwise 503 with the reason as one line. It is for
// programs with a web server of their own. For others there is Config.Probes, which answers while the host starts, too.
func (h *Host) Probes() http.Handler { return probe.Handler(h.Ready) }
