// Package stage has what the example programs need besides their actors: flags, signals, and output for people.
package stage

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
)

// Exit codes of the examples.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130 // what shells make of SIGINT
)

// Program is an example, from the opening of its bus to the end.
type Program func(ctx context.Context, s *Stage) error

// Process is what a Program is run with.
type Process struct {
	Args     []string // without the program's name
	Out, Err io.Writer
	Bus      bus.Config
}

// Stage is what a Program runs on.
type Stage struct {
	Bus    bus.Config   // where the actors run: what the environment and the flags say
	Logger *slog.Logger // warnings and errors, to stderr
	Scene  bool         // whether there is a scene to play

	screen

	serve bool
	ended error
}

// Main runs a program in the environment of this process, and ends the process with it. The first SIGINT or SIGTERM
// ends its context, a second one the process.
func Main(program Program) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	config, err := bus.ConfigFromEnv()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(exitUsage)
	}
	os.Exit(Run(ctx, program, Process{Args: os.Args[1:], Out: os.Stdout, Err: os.Stderr, Bus: config}))
}

// Run runs a program and returns its exit code.
func Run(ctx context.Context, program Program, p Process) int {
	s, err := newStage(p)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		fmt.Fprintln(p.Err, err)
		return exitUsage
	}
	err = program(ctx, s)
	interrupted := ctx.Err() != nil && errors.Is(err, context.Canceled)
	if interrupted {
		err = nil
	}
	switch err = errors.Join(err, s.ended); {
	case err != nil:
		fmt.Fprintln(p.Err, s.paint(red, "error:"), err)
		return exitFailed
	case interrupted && !s.serve:
		return exitInterrupted
	}
	return exitOK
}

func newStage(p Process) (*Stage, error) {
	f, err := parse(p.Args, p.Err)
	if err != nil {
		return nil, err
	}
	s := &Stage{
		Bus:    f.options(p.Bus),
		Logger: slog.New(slog.NewTextHandler(p.Err, &slog.HandlerOptions{Level: slog.LevelWarn})),
		Scene:  !f.quiet,
		screen: newScreen(p.Out),
		serve:  f.serve,
	}
	s.Bus.Logger = s.Logger
	return s, nil
}

// End is for defer: it ends a host or a client within the time that hosts are given for it. Its error makes the
// program fail.
func (s *Stage) End(end func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), actorhost.DefaultGrace)
	defer cancel()
	s.ended = errors.Join(s.ended, end(ctx))
}

// Close is for defer: it closes the bus. Its error makes the program fail.
func (s *Stage) Close(c io.Closer) { s.ended = errors.Join(s.ended, c.Close()) }
