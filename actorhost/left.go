package actorhost

import (
	"strconv"
	"strings"
	"time"
)

// leftFor is how long a host wakes no actor that it has left to another.
const leftFor = 2 * time.Second

// released says that a host no longer owns an actor that it owned in an epoch. In a later one it owns it again.
type released struct {
	by    string // the id of the host
	epoch uint64
}

func (r released) String() string { return r.by + "." + strconv.FormatUint(r.epoch, 10) }

// parseReleased reads what String has made, and anything else as nothing.
func parseReleased(text string) released {
	by, epoch, _ := strings.Cut(text, ".")
	number, err := strconv.ParseUint(epoch, 10, 64)
	if err != nil {
		return released{}
	}
	return released{by, number}
}

// leftActor is an actor that this host has left to another, or is about to leave.
type leftActor struct {
	to       string        // the id of the other host
	released released      // by this one
	until    time.Duration // on the host's clock
	leaving  chan struct{} // closed when it is no longer about to; else nil
}

// leftActors are the actors that a host has left to others just now, by ID.
type leftActors map[string]leftActor

// find returns the zero leftActor for an actor that was not left, or longer ago.
func (l leftActors) find(tokens string, now time.Duration) leftActor {
	if one := l[tokens]; now < one.until {
		return one
	}
	return leftActor{}
}

// forget forgets the actors that were left longer ago.
func (l leftActors) forget(now time.Duration) {
	for tokens, one := range l {
		if one.until <= now {
			delete(l, tokens)
		}
	}
}
