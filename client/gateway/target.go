package gateway

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/troupe-go/troupe"
)

// target is what a path names: an actor, and an action of it, or events.
type target struct {
	id   troupe.ID
	name string
}

// usage is what a path that names nothing is answered with.
const usage = "POST /TYPE/KEY/ACTION calls an action, GET /TYPE/KEY/EVENT listens to an event, GET /openapi.json says what there is; " +
	"a key of several parts is as many segments, and ?key=PART for each part will do for any key"

// fromQuery is the part of the query that says where to go on, for those who cannot send the header Last-Event-ID.
const fromQuery = "from"

// targetOf reads the path and the query of a request. Each segment between the first and the last is a part of the key, with any
// byte as %XX. Clients and proxies take away segments that are empty or dots, so those parts can only be in the query.
func targetOf(u *url.URL) (target, error) {
	segments := strings.Split(strings.TrimPrefix(u.EscapedPath(), "/"), "/")
	if len(segments) < 2 {
		return target{}, problemf(http.StatusNotFound, troupe.CodeNotFound, "there is no such path: %s", usage)
	}
	for i, segment := range segments {
		part, err := url.PathUnescape(segment)
		switch {
		case err != nil:
			return target{}, badRequest("the path: %v", err)
		case part == "":
			return target{}, badRequest("the path has an empty segment: an empty part of a key is ?key=")
		}
		segments[i] = part
	}
	last := len(segments) - 1
	key := segments[1:last]
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return target{}, badRequest("the query: %v", err)
	}
	if parts, given := query["key"]; given {
		if len(key) > 0 {
			return target{}, badRequest("the key is in the path and in the query: use one of them")
		}
		key = parts
	}
	for name := range query {
		if name != "key" && name != fromQuery {
			return target{}, badRequest("the query has %.40q, it takes key, and %s to listen", name, fromQuery)
		}
	}
	id, err := troupe.NewID(segments[0], key...)
	return target{id, segments[last]}, err
}
