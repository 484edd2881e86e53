package actorhost_test

import (
	"syscall"
	"time"
)

// ownTime is how much processor time this process has taken.
func ownTime() time.Duration {
	self, _ := syscall.GetCurrentProcess() // neither fails for oneself
	var created, exited, kernel, user syscall.Filetime
	_ = syscall.GetProcessTimes(self, &created, &exited, &kernel, &user)
	return 100 * time.Nanosecond * time.Duration(ticks(kernel)+ticks(user))
}

// ticks is a span in units of 100 ns. Filetime.Nanoseconds is of no use here: it takes its value for a date since 1601.
func ticks(span syscall.Filetime) int64 {
	return int64(span.HighDateTime)<<32 + int64(span.LowDateTime)
}
