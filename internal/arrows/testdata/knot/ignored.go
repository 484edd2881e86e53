//go:build never

package knot

var _ = Top
