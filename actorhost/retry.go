package actorhost

import "time"

// What fails and is tried again waits for times that double from firstRetry to mostRetry.
const firstRetry, mostRetry = time.Second, 5 * time.Minute

// maxReason is how many bytes of an error are kept.
const maxReason = 300
