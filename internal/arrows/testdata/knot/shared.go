package knot

import "sync/atomic"

var shared atomic.Pointer[middle]
