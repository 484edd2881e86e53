package actorhost

import "time"

// leftFor is how long a host wakes no actor that it has left to another.
const leftFor = 2 * time.Second

// leftActors are the actors that a host has left to others just now, by ID.
type leftActors map[string]leftActor

type leftActor struct {
	to    string        // the other host
	until time.Duration // on the host's clock
}

func (l leftActors) add(tokens, host string, now time.Duration) {
	l[tokens] = leftActor{host, now + leftFor}
}

// to returns the host to which an actor was left, or "".
func (l leftActors) to(tokens string, now time.Duration) string {
	if one, ok := l[tokens]; ok && now < one.until {
		return one.to
	}
	return ""
}

// forget forgets the actors that were left a while ago.
func (l leftActors) forget(now time.Duration) {
	for tokens, one := range l {
		if one.until <= now {
			delete(l, tokens)
		}
	}
}
