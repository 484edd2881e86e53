package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// errDeclined is the error when the answer is not yes.
var errDeclined = errors.New("cancelled: nothing is changed")

// consent are the flags that answer the question of a verb beforehand.
type consent struct {
	Yes   bool `short:"y" help:"Do not ask."`
	Force bool `short:"f" hidden:""` // the same
}

func (c consent) given() bool { return c.Yes || c.Force }

// ask asks a question that has not been answered by a flag, and fails without a terminal. What is what would be done.
func (t terminal) ask(ctx context.Context, answered bool, what, question string) error {
	switch {
	case answered:
		return nil
	case !t.interactive:
		return usageError{fmt.Errorf("to %s without a terminal, add --yes", what)}
	}
	return t.confirm(ctx, question)
}

// confirm asks a question. It returns nil for yes, and an error for everything else.
func (t terminal) confirm(ctx context.Context, question string) error {
	fmt.Fprintf(t.err, "%s [y/N] ", question)
	line, err := readAll(ctx, &firstLine{in: t.in})
	if err != nil {
		fmt.Fprintln(t.err)
		return fmt.Errorf("waiting for an answer: %w", err)
	}
	switch strings.ToLower(strings.TrimSpace(string(line))) {
	case "y", "yes":
		return nil
	}
	return usageError{errDeclined}
}

// firstLine reads one line and no further.
type firstLine struct {
	in    io.Reader
	ended bool
}

func (f *firstLine) Read(into []byte) (int, error) {
	if f.ended || len(into) == 0 {
		return 0, io.EOF
	}
	n, err := f.in.Read(into[:1])
	f.ended = n == 1 && into[0] == '\n'
	return n, err
}
