package wake

import (
	"sync"
	"time"
)

// lines limits how often something is logged.
type lines struct {
	mu   sync.Mutex
	last map[string]time.Time // by what the line is about
}

// maxLines bounds the memory of lines. What is beyond is logged anew.
const maxLines = 1024

// may reports whether a line about something may be logged now.
func (l *lines) may(about string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if last, ok := l.last[about]; ok && now.Sub(last) < noHostLogPause {
		return false
	}
	if l.last == nil || len(l.last) >= maxLines {
		l.last = make(map[string]time.Time)
	}
	l.last[about] = now
	return true
}
