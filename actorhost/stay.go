package actorhost

import "time"

// An actor stays where it has woken for staysFor before it is left to another host, or staysTimes as long as it
// took to wake if that is more, up to mostStay. Without that, callers of old and of new actions would have it move with every
// call, and hosts that have much to do would do nothing else.
const (
	staysFor   = 50 * time.Millisecond
	staysTimes = 10
	mostStay   = time.Second
)

// staysUntil is when the actor may be left to another host, on the host's clock.
func (a *activation) staysUntil() time.Duration { return time.Duration(a.stays.Load()) }

// hasWoken notes when it may.
func (a *activation) hasWoken(now time.Duration) {
	a.stays.Store(int64(now + min(max(staysFor, staysTimes*(now-a.began)), mostStay)))
}
