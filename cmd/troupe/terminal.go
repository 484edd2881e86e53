package main

import (
	"io"
	"os"

	"github.com/jedib0t/go-pretty/v6/text"
)

// terminal is what the program is connected to.
type terminal struct {
	in       io.Reader // nil for none
	out, err io.Writer
}

// isTerminal reports whether people are at the other end of a file. /dev/null counts, which does no harm: nothing can
// be read from it, and nobody sees how it was written.
func isTerminal(file any) bool {
	f, ok := file.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// paint colours s on a terminal, unless the environment has NO_COLOR.
func paint(w io.Writer, color text.Color, s string) string {
	if !isTerminal(w) || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return s
	}
	return color.Sprint(s)
}
