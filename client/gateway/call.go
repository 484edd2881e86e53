package gateway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/jsoncall"
	"github.com/troupe-go/troupe/internal/wire"
)

// call calls an action.
func (a *actors) call(w http.ResponseWriter, r *http.Request, credentials Credentials) error {
	to, err := targetOf(r.URL)
	if err != nil {
		return err
	}
	if r.URL.Query().Has(fromQuery) {
		return badRequest("the query has %q, which is to listen", fromQuery)
	}
	if wire.Internal(to.name) || to.name == wire.ConnectAction || to.name == wire.CancelAction {
		return problemf(http.StatusNotFound, troupe.CodeUnknownAction, "%s is not for callers by HTTP", to.name)
	}
	options, err := readOptions(r.Header, a.timeout)
	if err != nil {
		return err
	}
	if wantsValues(r.Header) {
		return a.values(w, r, credentials, troupe.StreamRequest{ID: to.id, Stream: to.name, Existing: options.existing})
	}
	u, err := a.users.enter(r.Context(), credentials, aCall)
	if err != nil {
		return err
	}
	defer a.users.leave(u, aCall)
	input, err := readInput(w, r, u.nc.MaxPayload())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(withCarried(r.Context(), r.Header), options.timeout)
	defer cancel()
	if options.key != "" {
		ctx = troupe.WithRequestID(ctx, options.key)
	}
	u.awaitComeback(ctx)
	call := troupe.Invocation{ID: to.id, Action: to.name, Existing: options.existing}
	output, err := jsoncall.Invoke(ctx, u.client, call, input)
	switch {
	case err != nil:
		return u.explain(ctx, a.namespace, err)
	case output == nil:
		extendWrites(w)
		w.WriteHeader(http.StatusNoContent)
	default:
		answer(w, http.StatusOK, output)
	}
	return nil
}

// options are what the headers of a call say.
type options struct {
	key      string // names the call, which takes effect once; empty: it has no name
	existing bool   // the call must not create the actor
	timeout  time.Duration
}

func readOptions(header http.Header, longest time.Duration) (o options, err error) {
	o.timeout = longest
	for _, name := range []string{headerKey, headerTimeout, headerExisting} {
		values := header.Values(name)
		if len(values) == 0 {
			continue
		}
		value, ok := values[0], len(values) == 1
		takes := ""
		switch name {
		case headerKey:
			o.key, takes = unquoted(value), wire.GivenID
			ok = ok && wire.IsGivenID(o.key)
		case headerTimeout:
			ms, bad := strconv.ParseUint(value, 10, 32)
			o.timeout, takes = min(longest, time.Duration(ms)*time.Millisecond), "a whole number of milliseconds"
			ok = ok && bad == nil
		case headerExisting:
			o.existing, takes = value == "1", "1 or 0"
			ok = ok && (value == "1" || value == "0")
		}
		if !ok {
			return o, badRequest("the header %s takes %s, once", name, takes)
		}
	}
	return o, nil
}

// unquoted is the value of a header that some clients put into quotes, as the draft of the header has it.
func unquoted(value string) string {
	if inner, ok := strings.CutPrefix(value, `"`); ok && strings.HasSuffix(inner, `"`) {
		return inner[:len(inner)-1]
	}
	return value
}

// readInput reads the body of a request: nil if it has none.
func readInput(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	deadlines := http.NewResponseController(w)
	_ = deadlines.SetReadDeadline(time.Now().Add(readTime)) // where there are deadlines
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	_ = deadlines.SetReadDeadline(time.Time{}) // the server reads on, to learn that the caller is gone
	if large, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, problemf(http.StatusRequestEntityTooLarge, troupe.CodeTooLarge, "the body has more than %d bytes", large.Limit)
	}
	if err != nil {
		return nil, badRequest("reading the body: %v", err)
	}
	// A browser sends JSON of another origin only if it was told that it may.
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch encoding := r.Header.Get("Content-Encoding"); {
	case len(bytes.TrimSpace(body)) == 0:
		return nil, nil
	case err != nil || kind != "application/json":
		return nil, problemf(http.StatusUnsupportedMediaType, troupe.CodeBadInput,
			"the body must come with Content-Type: application/json, as curl --json sends it")
	case encoding != "" && !strings.EqualFold(encoding, "identity"):
		return nil, problemf(http.StatusUnsupportedMediaType, troupe.CodeBadInput, "the body must come without Content-Encoding")
	}
	input, err := jsoncall.Input(body)
	if err != nil {
		return nil, badRequest("the body is not JSON: %v", err)
	}
	return input, nil
}
