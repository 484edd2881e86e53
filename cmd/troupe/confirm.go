package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// errDeclined is the answer no.
var errDeclined = errors.New("nothing is done")

// confirm asks a question and returns nil for yes, and for everything else an error.
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

// firstLine reads a line, and no further.
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
