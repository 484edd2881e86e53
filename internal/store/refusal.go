package store

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/link"
	"github.com/troupe-go/troupe/internal/wire"
)

// Errors that say why JetStream does not do what it is asked to, for errors.Is. What comes with them is for who runs the
// system: what is the matter, and what to do.
var (
	// ErrFull: there is no room, or the account allows no more. It lasts until somebody makes room or raises the limit.
	ErrFull = errs.ErrFull
	// ErrNoQuorum: too few servers of the cluster are up, or they elect a leader just now.
	ErrNoQuorum = errors.New("JetStream has no quorum")
	// ErrNoJetStream: the server, or the account of the connection, has no JetStream.
	ErrNoJetStream = errors.New("the NATS server has no JetStream for this account, so it can hold no actors: start it with " +
		"jetstream (nats-server -js), or enable JetStream for the account")
)

// refusal is an error of JetStream in the words of an operator.
type refusal struct {
	kind  error // one of the errors above
	words string
	cause error // in the words of the server
}

func (r *refusal) Error() string   { return r.words + " (" + r.cause.Error() + ")" }
func (r *refusal) Unwrap() []error { return []error{r.kind, r.cause} }

const makeRoom = "make room (destroy actors, delete streams) or raise "

// refusals are the errors of JetStream by number, in the server's errors.json. STREAM is the stream that it is about.
var refusals = map[jetstream.ErrorCode]refusal{
	10002: {kind: ErrFull, words: "the account has used up its JetStream storage: " + makeRoom + "its limit (max_file)"},
	10026: {kind: ErrFull, words: "the account allows no more consumers: delete some, or raise its limit (max_consumers)"},
	10027: {kind: ErrFull, words: "the account allows no more streams: delete some, or raise its limit (max_streams)"},
	10028: {kind: ErrFull, words: "the server, or the account, has not as much memory as JetStream asks for: " + makeRoom + "its limit"},
	10047: {kind: ErrFull, words: "the server, or the account, has not as much storage as STREAM asks for: " + makeRoom + "its limit"},
	10077: {kind: ErrFull, words: "STREAM has reached its limit: " + makeRoom + "it (nats stream edit)"},

	codeServerFull: {kind: ErrFull, words: "the server has used up its JetStream storage: " + makeRoom + "its limit (max_file_store)"},

	codeNoPeers:  {kind: ErrNoQuorum, words: noQuorum},
	codeNoLeader: {kind: ErrNoQuorum, words: noQuorum},
	10039:        {kind: ErrNoJetStream, words: ErrNoJetStream.Error()},
	10076:        {kind: ErrNoJetStream, words: ErrNoJetStream.Error()},
}

const noQuorum = "JetStream has no quorum: it elects a leader just now, or too few servers of its cluster are up and see each other"

// codeServerFull is of a server whose storage is used up.
const codeServerFull = 10023

// codeStoreFailed is also the number of other failures than a limit that is reached.
const codeStoreFailed = 10077

// explain says in the words of an operator what an error about a stream means. It returns others, and nil, as they are.
func explain(stream string, err error) error {
	var known *refusal
	api := apiError(err)
	switch {
	case err == nil, errors.As(err, &known):
		return err
	case api != nil:
		r, ok := refusals[api.ErrorCode]
		if !ok || api.ErrorCode == codeStoreFailed && !strings.HasPrefix(api.Description, "maximum ") {
			return err
		}
		r.words, r.cause = strings.ReplaceAll(r.words, "STREAM", streamName(stream)), api
		return &r
	case errors.Is(err, context.DeadlineExceeded):
		return &refusal{kind: ErrNoQuorum, cause: err, words: "JetStream does not answer for " + streamName(stream) +
			": too few servers of its cluster are up and see each other, its storage is used up, or it has too much to do"}
	case errors.Is(err, nats.ErrNoResponders), errors.Is(err, jetstream.ErrNoStreamResponse):
		return &refusal{kind: ErrNoQuorum, cause: err, words: "nobody answers for " + streamName(cmp.Or(stream, "that is written")) +
			": its servers are down or elect a leader, JetStream has ended there (its log says why), or the stream is deleted"}
	}
	return wire.Disconnected(err)
}

// apiError returns the error of JetStream in err, or nil. The client library has two types for it.
func apiError(err error) *jetstream.APIError {
	if api, ok := errors.AsType[*jetstream.APIError](err); ok {
		return api
	}
	if api, ok := errors.AsType[*nats.APIError](err); ok {
		return &jetstream.APIError{Code: api.Code, ErrorCode: jetstream.ErrorCode(api.ErrorCode), Description: api.Description}
	}
	return nil
}

// family is what a subject has in common with those that belong to the same stream.
func family(subject string) string {
	tokens := strings.Split(subject, ".")
	keep := 2
	if tokens[0] == "$JS" {
		keep = 5
		if len(tokens) > 3 && tokens[2] == "CONSUMER" && tokens[3] == "MSG" {
			keep = 6
		}
	}
	return strings.Join(tokens[:min(keep, len(tokens))], ".")
}

// Lasts reports whether an error says that something cannot be done until somebody changes that: there is no room, or it is
// not allowed.
func Lasts(err error) bool { return errors.Is(err, ErrFull) || errors.Is(err, troupe.ErrDenied) }

// Cause is the part of an error that is the same whoever meets it: the words for an operator if JetStream refuses, or
// else the innermost reason. It is empty for what is no fault of the bus.
func Cause(err error) string {
	var known *refusal
	subject, denied := link.DeniedSubject(err)
	switch {
	case denied:
		return "NATS does not allow this user " + family(subject)
	case errors.As(err, &known):
		return known.words
	case errors.Is(err, wire.ErrDisconnected):
		return wire.ErrDisconnected.Error()
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, nats.ErrTimeout), errors.Is(err, ErrOutcomeUnknown):
		return "JetStream does not answer"
	}
	return ""
}
