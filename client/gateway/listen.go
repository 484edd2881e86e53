package gateway

import (
	"cmp"
	"context"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"

	"github.com/troupe-go/troupe"
)

// retryTime is after how many milliseconds a browser comes again, up to twice that: not all of them at once.
const retryTime = 1000

// listen tells of events as they come, until the caller is gone.
func (a *actors) listen(w http.ResponseWriter, r *http.Request, credentials Credentials) error {
	to, err := targetOf(r.URL)
	if err != nil {
		return err
	}
	names := strings.Split(to.name, ",")
	if slices.Sort(names); len(names) > maxNames || len(slices.Compact(names)) < len(names) {
		return badRequest("the path has %d names of events, one may listen to %d different ones", len(names), maxNames)
	}
	for _, name := range names {
		if err := troupe.CheckName("event", name); err != nil {
			return err
		}
	}
	from, err := parsePlaces(cmp.Or(r.Header.Get("Last-Event-ID"), r.URL.Query().Get(fromQuery)))
	if err != nil {
		return err
	}
	u, err := a.users.enter(r.Context(), credentials, aStream)
	if err != nil {
		return err
	}
	defer a.users.leave(u, aStream)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	s := &stream{sse: sse{w: w}, ctx: ctx, user: u, actor: to.id, inbox: newInbox(), at: make(places), closing: a.users.closing}
	defer s.unsubscribe()
	for _, name := range names {
		if err := s.subscribe(name, from); err != nil {
			return u.explain(ctx, a.namespace, err)
		}
	}
	if err := s.begin(retryTime + rand.IntN(retryTime)); err != nil {
		return nil // the caller is gone
	}
	s.run()
	return nil
}
