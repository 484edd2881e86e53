package knot

const base = 1
