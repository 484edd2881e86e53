package main

import "math/rand/v2"

// starts is from how many random orders to climb. In a package of 50 files every third of them reaches the best figure.
const starts = 100

// back returns the arrows that run back up in the best order of the files: users stand above what they use. The very best
// takes too long to find, so it climbs from several starts, and takes the best of where that ends. The result is the same
// for the same package.
func (g *graph) back() []arrow {
	best := g.upward(g.climb(0))
	for seed := uint64(1); seed < starts; seed++ {
		if back := g.upward(g.climb(seed)); len(back) < len(best) {
			best = back
		}
	}
	return best
}

// upward returns the arrows that run up in an order, the lowest first.
func (g *graph) upward(order []int) []arrow {
	var up []arrow
	for place, from := range order {
		for _, to := range order[:place] {
			if a := (arrow{from, to}); g.arrows[a] != nil {
				up = append(up, a)
			}
		}
	}
	return up
}

// climb shuffles the files, and moves one at a time until no move makes the order better.
func (g *graph) climb(seed uint64) []int {
	order := rand.New(rand.NewPCG(seed, 0)).Perm(len(g.files))
	for moved := true; moved; {
		moved = false
		for from := range order {
			to := g.place(order, from)
			moved = moved || to != from
			move(order, from, to)
		}
	}
	return order
}

// place returns the best place for the file that stands at from, while the others keep their order.
func (g *graph) place(order []int, from int) int {
	best, most := from, 0
	for _, step := range []int{-1, 1} {
		saved := 0
		for to := from + step; to >= 0 && to < len(order); to += step {
			saved += step * (g.count(order[to], order[from]) - g.count(order[from], order[to]))
			if saved > most {
				best, most = to, saved
			}
		}
	}
	return best
}

// count returns 1 when there is an arrow, and 0 when there is none.
func (g *graph) count(from, to int) int {
	if g.arrows[arrow{from, to}] == nil {
		return 0
	}
	return 1
}

// move moves the file that stands at from, past others, to another place.
func move(order []int, from, to int) {
	for ; from < to; from++ {
		order[from], order[from+1] = order[from+1], order[from]
	}
	for ; from > to; from-- {
		order[from], order[from-1] = order[from-1], order[from]
	}
}
