package main

import (
	"io"
	"os"

	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"
)

// terminal is what the program is connected to.
type terminal struct {
	in       io.Reader // nil for none
	out, err io.Writer

	interactive bool // somebody reads err and can answer on in
}

// standardTerminal is what the process is connected to.
func standardTerminal() terminal {
	return terminal{in: os.Stdin, out: os.Stdout, err: os.Stderr, interactive: isTerminal(os.Stdin) && isTerminal(os.Stderr)}
}

// isTerminal reports whether people are at the other end of a file.
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
