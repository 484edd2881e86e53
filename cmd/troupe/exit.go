package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// The exit codes, which the help text explains.
const (
	exitOK          = 0
	exitActor       = 1
	exitUsage       = 2
	exitNotFound    = 3
	exitUnavailable = 4
	exitFailed      = 5
	exitUnknown     = 6
	exitConflict    = 7
	exitInterrupted = 130 // as a shell has it
)

const exitHelp = `Exit codes:
  0  success
  1  the actor returned an error of its own; its workflow has failed
  2  invalid command line, settings, context or input, or not answered with yes
  3  nothing found: no such actor, actor type, action, schedule, workflow, host,
     revision; nothing to list; watch has not heard enough in time
  4  no connection, or no host could take the call: nothing has run, try again;
     the workflow whose result is asked for is still under way
  5  any other failure
  6  no reply in time: the outcome is unknown
  7  the actor is not as expected, somebody else was faster: nothing is changed
130  interrupted (Ctrl-C) before there was a result`

// failure is an error as it is printed, also as JSON.
type failure struct {
	Code      string         `json:"code"`
	Message   string         `json:"message"`
	Metadata  map[string]any `json:"metadata,omitempty"`
	FromActor bool           `json:"from_actor,omitempty"`
	Retryable bool           `json:"retryable,omitempty"`
}

// asFailure also returns the exit code for err.
func asFailure(err error) (failure, int) {
	var failed *troupe.Error
	var usage usageError
	var unconnected connectionError
	var conflict conflictError
	switch {
	case errors.As(err, &usage):
		return failure{Code: "usage", Message: usage.Error()}, exitUsage
	case errors.As(err, &failed):
		f := failure{
			Code: string(failed.Code), Message: failed.Message, Metadata: failed.Metadata,
			FromActor: failed.FromActor, Retryable: failed.Retryable,
		}
		if _, ended := errors.AsType[endedError](err); ended {
			return f, exitActor
		}
		return f, exitCode(failed)
	case errors.As(err, &conflict):
		return failure{Code: "conflict", Message: conflict.Error()}, exitConflict
	case errors.Is(err, store.ErrOutcomeUnknown):
		return failure{Code: string(troupe.CodeOutcomeUnknown), Message: err.Error()}, exitUnknown
	case errors.Is(err, store.ErrNoJetStream):
		return failure{Code: "no_jetstream", Message: err.Error()}, exitFailed
	case errors.Is(err, store.ErrFull):
		return failure{Code: string(troupe.CodeOverloaded), Message: err.Error(), Retryable: true}, exitUnavailable
	case errors.Is(err, store.ErrNoQuorum), errors.Is(err, wire.ErrDisconnected):
		return failure{Code: string(troupe.CodeUnavailable), Message: err.Error(), Retryable: true}, exitUnavailable
	case errors.Is(err, bus.ErrConfig):
		return failure{Code: "usage", Message: err.Error()}, exitUsage
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired), errors.Is(err, nats.ErrPermissionViolation):
		return failure{Code: string(troupe.CodeDenied), Message: err.Error()}, exitFailed
	case errors.Is(err, bus.ErrNoServer):
		return failure{Code: "no_server", Message: err.Error(), Retryable: true}, exitUnavailable
	case errors.Is(err, context.Canceled):
		return failure{Code: string(troupe.CodeCanceled), Message: err.Error()}, exitUnavailable
	case errors.As(err, &unconnected):
		return failure{Code: string(troupe.CodeUnavailable), Message: err.Error(), Retryable: true}, exitUnavailable
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, nats.ErrTimeout):
		return failure{Code: string(troupe.CodeDeadlineExceeded), Message: err.Error(), Retryable: true}, exitUnavailable
	default:
		return failure{Code: "failed", Message: err.Error()}, exitFailed
	}
}

func exitCode(err *troupe.Error) int {
	if err.FromActor {
		return exitActor
	}
	switch err.Code {
	case troupe.CodeBadInput:
		return exitUsage
	case troupe.CodeNotFound, troupe.CodeUnknownType, troupe.CodeUnknownAction:
		return exitNotFound
	case troupe.CodeUnavailable, troupe.CodeOverloaded, troupe.CodeDeadlineExceeded, troupe.CodeCanceled, troupe.CodeUnfinished:
		return exitUnavailable
	case troupe.CodeOutcomeUnknown:
		return exitUnknown
	case troupe.CodeAlreadyExists:
		return exitConflict
	default:
		return exitFailed
	}
}

// reportError prints err to stderr, with --json as one line of JSON, and returns the exit code.
func reportError(ctx context.Context, t terminal, asJSON bool, err error) int {
	f, code := asFailure(err)
	if ctx.Err() != nil && f.Code == string(troupe.CodeCanceled) {
		code = exitInterrupted
		f.Message = strings.Replace(f.Message, context.Canceled.Error(), "interrupted", 1)
	}
	if asJSON {
		if line, err := marshal(f); err == nil {
			fmt.Fprintf(t.err, "%s\n", line)
			return code
		} // metadata that JSON cannot encode
	}
	fmt.Fprintln(t.err, paint(t.err, text.FgRed, "error"), stripControls(f.Code)+":", stripControls(f.Message))
	for _, key := range slices.Sorted(maps.Keys(f.Metadata)) {
		value, err := marshal(f.Metadata[key])
		if err != nil {
			value = fmt.Appendf(nil, "%q", fmt.Sprint(f.Metadata[key]))
		}
		fmt.Fprintf(t.err, "  %s: %s\n", stripControls(key), value)
	}
	if errors.Is(err, bus.ErrNoServer) {
		fmt.Fprint(t.err, noServerAdvice)
	}
	return code
}

const noServerAdvice = `  Is the program that runs the actors up? troupe up, and examples started with --serve, listen at 127.0.0.1:4222.
  To use another server, name it with --server URL, NATS_URL or --context NAME.
`
