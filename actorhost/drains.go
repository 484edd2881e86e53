package actorhost

import "time"

// drains has one element for each subscription that is being drained. Draining matters because the server goes on
// sending until it hears of the unsubscription: those calls must reach the next activation. For each drain nats.go
// starts a goroutine and asks the server, and each answer takes longer the more of them wait. So there are at most
// maxDrains at a time. If the server does not answer, and one more would have to wait for longer than drainPatience,
// its calls are given up: their callers send them again.
type drains chan struct{}

const maxDrains, drainPatience = 1024, time.Second

// begin takes a slot, and reports whether one was free in time.
func (d drains) begin() bool {
	select {
	case d <- struct{}{}:
		return true
	default:
	}
	timer := time.NewTimer(drainPatience)
	defer timer.Stop()
	select {
	case d <- struct{}{}:
		return true
	case <-timer.C:
		return false
	}
}

// end frees a slot. When the connection closes meanwhile, it may be called twice for one drain.
func (d drains) end() {
	select {
	case <-d:
	default:
	}
}
