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
