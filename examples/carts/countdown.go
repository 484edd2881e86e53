package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/troupe-go/troupe/examples/internal/stage"
)

// countdown shows, on a terminal, how long the carts still wait: in its last line, which is drawn again and again.
type countdown struct {
	out   io.Writer // nil: not a terminal
	carts []*waiting
	drawn bool
}

type waiting struct {
	name    string
	expires time.Time // zero: it does not
}

const (
	clearLine   = "\r\x1b[K"
	cellsPerBar = 18
)

func newCountdown(s *stage.Stage) *countdown {
	out, terminal := s.Out()
	if !terminal {
		return &countdown{}
	}
	return &countdown{out: out}
}

// set says when a cart expires.
func (d *countdown) set(name string, expires time.Time) {
	for _, cart := range d.carts {
		if cart.name == name {
			cart.expires = expires
			return
		}
	}
	d.carts = append(d.carts, &waiting{name, expires})
}

func (d *countdown) draw(now time.Time) {
	if d.out == nil {
		return
	}
	var line strings.Builder
	for _, cart := range d.carts {
		left := cart.expires.Sub(now)
		if cart.expires.IsZero() || left <= 0 {
			continue
		}
		full := min(int(left*cellsPerBar/scenePatience)+1, cellsPerBar)
		bar := strings.Repeat("█", full) + strings.Repeat("░", cellsPerBar-full)
		fmt.Fprintf(&line, "%s %s %.1f s    ", cart.name, bar, left.Seconds())
	}
	d.clear()
	if line.Len() > 0 {
		fmt.Fprint(d.out, "  "+line.String())
		d.drawn = true
	}
}

// clear makes room for another line.
func (d *countdown) clear() {
	if d.drawn {
		fmt.Fprint(d.out, clearLine)
		d.drawn = false
	}
}
