package store

import (
	"log/slog"
	"time"

	"github.com/troupe-go/troupe/internal/travel"
)

// Settings are those of the streams that a host makes, as far as its owner may choose. All but Logger count only for
// streams that do not exist yet: those that exist keep theirs, and are checked. The zero value is for a single server.
type Settings struct {
	Cluster     bool          // JetStream runs on a cluster: see [Clustered]
	Replicas    int           // copies of each stream; zero is three in a cluster and one on a single server
	MaxBytes    MaxBytes      // limits of the streams
	KeepEvents  time.Duration // how long the log keeps events; zero is for ever
	KeepAnswers time.Duration // how long the archive keeps answers; zero is for ever. One that keeps them less long is refused
	QueueLength int           // how many messages a queue of an actor has room for; zero is [DefaultQueueLength]
	MaxMessage  int64         // how many bytes one may have; zero is what the server takes
	Logger      *slog.Logger  // is told what is not as it should be; nil is nobody
	Troubles    *Troubles     // shared by all streams of a host; nil is nobody, who asks why a write is not answered
	Suspect     func()        // is called when a stream seems to be gone, perhaps often; must not block; may be nil
	// Gone is called when a stream is gone, before it is made again, if that fails, and with nil when it is there again. It
	// may be nil.
	Gone  func(stream string, err error)
	Clock *travel.Clock // moves the time of alarms, in tests; may be nil
}

// MaxBytes are the limits of streams in bytes. Zero is no limit.
type MaxBytes struct{ Records, Journal, Hosts, Subscriptions, Events, Answers, Alarms, Queues, Later, Dead int64 }

// replicas is three in a cluster, so that the loss of one server loses nothing, and else one, unless it is set.
func (s Settings) replicas() int {
	switch {
	case s.Replicas != 0:
		return s.Replicas
	case s.Cluster:
		return 3
	}
	return 1
}
