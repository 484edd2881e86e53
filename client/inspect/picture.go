package inspect

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/troupe-go/troupe/internal/wire"
)

// picture shows an actor in the middle, who calls it on its left, and whom it calls on its right.
type picture struct {
	From, Width     float64 // what is shown of it, where a side is empty
	Height, Middle  float64
	Box, Tall, Left float64 // width and height of a box, and where that of the actor begins
	Actor           string  // as tokens
	Edges           []pictureEdge
	LeftIn, LeftOut int // neighbours that are not drawn
}

// pictureEdge is a neighbour, and the line between it and the actor.
type pictureEdge struct {
	wire.NeighbourCalls

	Actor   string // the neighbour, as tokens
	Out     bool   // the actor calls it
	X, Y    float64
	Path    string
	Weight  float64 // width of the line
	Trouble bool    // some calls have failed
}

// The measures of a picture. Boxes are boxWidth wide.
const (
	mostDrawn    = 12 // on each side
	pictureWidth = 960
	boxWidth     = 260
	boxHeight    = 40
	rowHeight    = 52
	thickest     = 8
)

// pictureOf draws the neighbours that are called the most. It is nil if there are none.
func pictureOf(actor string, calls []wire.NeighbourCalls) *picture {
	in, out := make(map[string]wire.NeighbourCalls), make(map[string]wire.NeighbourCalls)
	for _, one := range calls {
		if one.From == actor {
			out[one.To] = plusCalls(out[one.To], one)
		} else {
			in[one.From] = plusCalls(in[one.From], one)
		}
	}
	rows := max(min(len(in), mostDrawn), min(len(out), mostDrawn))
	if rows == 0 {
		return nil
	}
	p := &picture{
		Width: pictureWidth, Height: float64(rows * rowHeight), Box: boxWidth, Tall: boxHeight, Left: (pictureWidth - boxWidth) / 2,
		Actor: actor,
	}
	p.Middle = p.Height / 2
	p.LeftIn, p.LeftOut = p.draw(in, false), p.draw(out, true)
	switch {
	case len(in) == 0:
		p.From, p.Width = p.Left, pictureWidth-p.Left
	case len(out) == 0:
		p.Width = p.Left + boxWidth
	}
	return p
}

// curve is the path of a line from left to right.
func curve(x1, y1, x2, y2 float64) string {
	bend := (x1 + x2) / 2
	return fmt.Sprintf("M%.0f %.1f C%.0f %.1f %.0f %.1f %.0f %.1f", x1, y1, bend, y1, bend, y2, x2, y2)
}

// draw adds a side, and returns how many neighbours are left out.
func (p *picture) draw(side map[string]wire.NeighbourCalls, out bool) (left int) {
	names := slices.SortedFunc(maps.Keys(side), func(a, b string) int {
		return cmp.Or(cmp.Compare(side[b].Calls, side[a].Calls), cmp.Compare(a, b))
	})
	shown := names[:min(len(names), mostDrawn)]
	first := p.Middle - float64(len(shown)*rowHeight)/2
	for i, name := range shown {
		e := pictureEdge{NeighbourCalls: side[name], Actor: name, Out: out, Y: first + float64(i*rowHeight) + (rowHeight-boxHeight)/2}
		e.Weight = min(1+math.Log10(float64(max(e.Calls, 1))), thickest)
		e.Trouble = e.Failed > 0
		const tip = 6 // for the arrow
		at := e.Y + boxHeight/2
		if out {
			e.X = pictureWidth - boxWidth
			e.Path = curve(p.Left+boxWidth, p.Middle, e.X-tip, at)
		} else {
			e.Path = curve(boxWidth, at, p.Left-tip, p.Middle)
		}
		p.Edges = append(p.Edges, e)
	}
	return len(names) - len(shown)
}
