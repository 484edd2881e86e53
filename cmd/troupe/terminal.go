package main

import (
	"io"
	"os"

	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"
)

// terminal is the program's standard input and outputs.
type terminal struct {
	in       io.Reader // nil: none
	out, err io.Writer

	interactive bool // err and in are both a terminal
}

// standardTerminal is the terminal of the process.
func standardTerminal() terminal {
	return terminal{in: os.Stdin, out: os.Stdout, err: os.Stderr, interactive: isTerminal(os.Stdin) && isTerminal(os.Stderr)}
}

// isTerminal reports whether a file is a terminal.
func isTerminal(file any) bool {
	f, ok := file.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// paint colours s on a terminal, unless the environment has NO_COLOR.
func paint(w io.Writer, color text.Color, s string) string {
	if !isTerminal(w) || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return s
	}
	return color.Sprint(s)
}
