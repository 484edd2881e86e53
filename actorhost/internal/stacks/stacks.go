// Package stacks tells where goroutines of a host are.
package stacks

import (
	"bytes"
	"runtime"
	"strconv"
	"sync"
)

// ID is the number of the goroutine that calls it, or 0 if the runtime does not tell. It takes a microsecond.
func ID() uint64 {
	var memory [64]byte
	return numberOf(memory[:runtime.Stack(memory[:], false)])
}

// numberOf reads "goroutine 17 [running]:".
func numberOf(stack []byte) uint64 {
	rest, _ := bytes.CutPrefix(stack, []byte("goroutine "))
	number, _, _ := bytes.Cut(rest, []byte(" "))
	id, _ := strconv.ParseUint(string(number), 10, 64)
	return id
}

// The program stands still while its stacks are read, some 10 µs for each goroutine. With more than maxGoroutines it would be felt,
// and they are not read. At most maxBytes are.
const maxGoroutines, maxBytes = 20_000, 64 << 20

var reading sync.Mutex // one at a time

// Of returns the stacks of goroutines, as Go prints them. Those that have ended are missing. If there are too many goroutines in the
// program, it reports false.
func Of(ids ...uint64) (found map[uint64]string, ok bool) {
	reading.Lock()
	defer reading.Unlock()
	if runtime.NumGoroutine() > maxGoroutines {
		return nil, false
	}
	found = make(map[uint64]string, len(ids))
	for _, id := range ids {
		found[id] = ""
	}
	for stack := range bytes.SplitSeq(all(), []byte("\n\n")) {
		if id := numberOf(stack); id != 0 {
			if _, wanted := found[id]; wanted {
				found[id] = string(bytes.TrimSpace(stack)) + "\n"
			}
		}
	}
	return found, true
}

func all() []byte {
	for size := 1 << 20; ; size *= 4 {
		memory := make([]byte, size)
		if n := runtime.Stack(memory, true); n < size || size >= maxBytes {
			return memory[:n]
		}
	}
}
