package knot

type left struct{ weight int }

func (l left) value() int { return right(l) + base }
