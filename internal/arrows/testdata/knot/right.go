package knot

// That the method is one of middle.go is known from a package outside.
func right(l left) int { return l.weight + shared.Load().value() }
