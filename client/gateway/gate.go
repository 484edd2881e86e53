package gateway

import (
	"net/http"
	"slices"
	"strings"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/webname"
)

// gate keeps away what browsers send for pages that are not meant to be here.
type gate struct {
	names   webname.Names
	origins []string
	cross   *http.CrossOriginProtection
}

func newGate(hosts, origins []string) (gate, error) {
	g := gate{names: webname.New(hosts), origins: origins, cross: http.NewCrossOriginProtection()}
	for _, origin := range origins {
		if err := g.cross.AddTrustedOrigin(origin); err != nil {
			return gate{}, err
		}
	}
	return g, nil
}

// What a page of another origin may send, and may read beside the body.
var (
	allowedHeaders = strings.Join([]string{
		"Authorization", "Content-Type", headerKey, "Last-Event-ID", headerRequestID, headerTimeout, headerExisting, HeaderInboxPrefix,
		troupe.HeaderTraceParent, troupe.HeaderTraceState, troupe.HeaderBaggage,
	}, ", ")
	exposedHeaders = strings.Join([]string{headerRequestID, "Retry-After", "WWW-Authenticate"}, ", ")
)

// pass checks who asks. A question of a browser, whether a page may ask, it answers itself: then the request is over.
func (g *gate) pass(w http.ResponseWriter, r *http.Request) (over bool, err error) {
	if !g.names.Has(r.Host) {
		return false, problemf(http.StatusMisdirectedRequest, troupe.CodeDenied, "the gateway is not known by this name")
	}
	origin := r.Header.Get("Origin")
	allowed := slices.Contains(g.origins, origin)
	if len(g.origins) > 0 {
		w.Header().Add("Vary", "Origin")
	}
	if allowed {
		w.Header().Set("Access-Control-Allow-Origin", origin)
		w.Header().Set("Access-Control-Expose-Headers", exposedHeaders)
	}
	if allowed && r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
		w.Header().Set("Access-Control-Allow-Methods", "GET, POST")
		w.Header().Set("Access-Control-Allow-Headers", allowedHeaders)
		w.Header().Set("Access-Control-Max-Age", "600")
		w.WriteHeader(http.StatusNoContent)
		return true, nil
	}
	if err := g.cross.Check(r); err != nil {
		return false, problemf(http.StatusForbidden, troupe.CodeDenied, "pages of this origin may not call: %v", err)
	}
	return false, nil
}
