package gateway

import (
	"net/http"
	"time"
)

// writeTime is how long a caller may take to accept what is written to it at a time, readTime to send a body.
const writeTime, readTime = 10 * time.Second, 30 * time.Second

// extendWrites gives a caller time for what is written next, whatever the server allows for all.
func extendWrites(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTime)) // where there are deadlines
}

// answer answers with JSON.
func answer(w http.ResponseWriter, status int, text []byte) {
	w.Header().Set("Content-Type", "application/json")
	extendWrites(w)
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // to a caller that may be gone
}
