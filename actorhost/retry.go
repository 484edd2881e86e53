package actorhost

import (
	"strings"
	"time"
)

// What fails and is tried again waits for times that double from firstRetry to mostRetry.
const firstRetry, mostRetry = time.Second, 5 * time.Minute

// maxReason is how many bytes of an error are kept.
const maxReason = 300

// shortened is the beginning of a text, of so many bytes at most, in valid UTF-8: nothing else can be shown to callers.
func shortened(text string, most int) string {
	return strings.ToValidUTF8(text[:min(len(text), most)], "")
}
