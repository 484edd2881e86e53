package gateway

import "github.com/troupe-go/troupe/internal/wire"

// The headers of requests that are not those of HTTP.
const (
	headerKey       = "Idempotency-Key"
	headerTimeout   = wire.HeaderTimeout
	headerExisting  = wire.HeaderExisting
	headerRequestID = "X-Request-ID" // names a request, in the answer and in the log
)
