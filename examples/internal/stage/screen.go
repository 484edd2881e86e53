package stage

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// screen is what people see.
type screen struct {
	out      io.Writer
	terminal bool
	colors   bool
}

type color string

const (
	bold   color = "1"
	dim    color = "2"
	red    color = "31"
	green  color = "32"
	yellow color = "33"
)

func newScreen(out io.Writer) screen {
	file, ok := out.(*os.File)
	terminal := ok && term.IsTerminal(int(file.Fd()))
	return screen{
		out: out, terminal: terminal,
		colors: terminal && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb",
	}
}

func (s screen) paint(c color, text string) string {
	if !s.colors || text == "" {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}

// Out is where the program prints to, and whether that is a terminal.
func (s screen) Out() (out io.Writer, terminal bool) { return s.out, s.terminal }

// Dim makes a text less prominent. Texts are padded before they are painted.
func (s screen) Dim(text string) string { return s.paint(dim, text) }

// Bold makes a text more prominent.
func (s screen) Bold(text string) string { return s.paint(bold, text) }

// Title begins the scene.
func (s screen) Title(title, subtitle string) {
	fmt.Fprintf(s.out, "\n  %s\n  %s\n\n", s.Bold(title), s.Dim(subtitle))
}

// Line prints one line; without a format, an empty one.
func (s screen) Line(format string, args ...any) {
	if format == "" {
		fmt.Fprintln(s.out)
		return
	}
	fmt.Fprintf(s.out, "  "+format+"\n", args...)
}

// Done prints a line about something that went well.
func (s screen) Done(format string, args ...any) { s.Line(s.paint(green, "✓")+" "+format, args...) }

// Refused prints a line about something that was refused, as it should be.
func (s screen) Refused(format string, args ...any) {
	s.Line(s.paint(yellow, "✗")+" "+format, args...)
}
