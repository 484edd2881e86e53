//go:build unix

package actorhost_test

import (
	"syscall"
	"time"
)

// ownTime is how much processor time this process has taken.
func ownTime() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage) // never fails for oneself
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
