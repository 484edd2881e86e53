package knot

var _ = Top
