package gateway

import (
	"time"

	"github.com/troupe-go/troupe/internal/wire"
)

// actors are what requests reach, once it is clear who sends them.
type actors struct {
	users     *users
	namespace wire.Namespace
	timeout   time.Duration // of a call at most
}
