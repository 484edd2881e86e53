// Package stagetest tests what the examples have in common.
package stagetest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"testing"

	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/examples/internal/stage"
)

// Program is what the main function of an example runs.
type Program func(ctx context.Context, config bus.Config, s *stage.Stage) error

// Process is what a Program is run with.
type Process struct {
	Args     []string // without the program's name
	Out, Err io.Writer
	Bus      bus.Config // what the environment says
}

// Run runs a program as its main function does, and returns the exit code.
func Run(ctx context.Context, program Program, p Process) (code int) {
	s, config := stage.New(p.Out, p.Err), p.Bus
	err := s.Parse(p.Args, &config)
	if err == nil {
		err = program(ctx, config, s)
	}
	return s.Report(ctx, err)
}

// RunTwice runs a program as its users do, the second time on the data of the first, and fails when it complains.
func RunTwice(t *testing.T, program Program) {
	t.Helper()
	dir := t.TempDir()
	for _, run := range []string{"first", "second"} {
		var out, complaints bytes.Buffer
		process := Process{Args: []string{"--data", dir}, Out: &out, Err: &complaints}
		if code := Run(t.Context(), program, process); code != 0 || complaints.Len() > 0 {
			t.Fatalf("the %s run ended with code %d:\n%s%s", run, code, out.String(), complaints.String())
		}
		t.Logf("the %s run:\n%s", run, out.String())
	}
}

// Take makes the calls of a tour as a program in another language makes them, in JSON.
func Take(t *testing.T, tour stage.Tour, actors ...actorhost.Definition) {
	t.Helper()
	TakeOn(t, hosttest.Start(t, actors...), tour)
}

// TakeOn is Take on a bus that has its hosts already.
func TakeOn(t *testing.T, b *hosttest.Bus, tour stage.Tour) {
	t.Helper()
	cl := b.NewClient(client.Config{Codec: codec.JSON})
	for _, c := range tour.Calls {
		var in any
		if c.Input != "" {
			in = json.RawMessage(c.Input)
		}
		if err := cl.Actor(c.Type, c.Key).Call(t.Context(), c.Action, in, nil); err != nil {
			t.Errorf("%s %s %s %s: %v", c.Type, c.Key, c.Action, c.Input, err)
		}
	}
}
