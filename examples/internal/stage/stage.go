// Package stage has what the examples need, and the programs that are made after them do not: flags, exit codes, and
// output for people.
package stage

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"

	"github.com/troupe-go/troupe/bus"
)

// Exit codes of the examples.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130 // what shells make of SIGINT
)

// Stage is what a scene is played on.
type Stage struct {
	Scene  bool         // whether there is a scene to play: there is none with --quiet
	Probes string       // where the host says whether it is ready; empty: nowhere
	Logger *slog.Logger // warnings and errors, to stderr

	screen

	complaints  io.Writer
	expected    *expected
	serve       bool
	natsContext string
}

// Parse reads the flags of this process and completes the config by them. As flag.Parse does, it ends the process when
// the flags are wrong, or ask for help.
func Parse(config *bus.Config) *Stage {
	s := New(os.Stdout, os.Stderr)
	if err := s.Parse(os.Args[1:], config); err != nil {
		os.Exit(s.Report(context.Background(), err))
	}
	return s
}

// New returns a stage that shows to out what happens, and to complaints what goes wrong.
func New(out, complaints io.Writer) *Stage {
	log, e := slog.NewTextHandler(complaints, &slog.HandlerOptions{Level: slog.LevelWarn}), new(expected)
	return &Stage{
		Scene:      true,
		Logger:     slog.New(scripted{log, e}),
		expected:   e,
		screen:     newScreen(out),
		complaints: complaints,
	}
}

// Parse is [Parse] of these arguments. Its error is for Report.
func (s *Stage) Parse(args []string, config *bus.Config) error {
	f, err := parse(args, s.complaints)
	if err != nil {
		return err
	}
	s.Scene, s.serve = !f.quiet, f.serve
	if s.serve {
		s.Probes = cmp.Or(f.probes, os.Getenv("TROUPE_PROBES"))
	}
	f.complete(config)
	config.Logger = s.Logger
	s.natsContext = config.Context
	return nil
}

// Report prints the error that has ended a program, if there is one, and returns the exit code. An error that is only the
// end of ctx is not printed.
func (s *Stage) Report(ctx context.Context, err error) (code int) {
	_, wrong := errors.AsType[usageError](err)
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return exitOK
	case wrong:
		fmt.Fprintln(s.complaints, err)
		return exitUsage
	case ctx.Err() != nil && interrupted(err):
		if s.serve {
			return exitOK
		}
		return exitInterrupted
	}
	fmt.Fprintln(s.complaints, s.paint(red, "error:"), err)
	return exitFailed
}

// interrupted reports whether an error is that of a context, and nothing else that went wrong later is joined to it.
func interrupted(err error) bool {
	if joined, ok := err.(interface{ Unwrap() []error }); ok { // of errors.Join
		return !slices.ContainsFunc(joined.Unwrap(), func(one error) bool { return !interrupted(one) })
	}
	return errors.Is(err, context.Canceled)
}
