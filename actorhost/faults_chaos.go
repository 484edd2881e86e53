//go:build chaos

package actorhost

import "github.com/troupe-go/troupe/actorhost/internal/faults"

// OnPoint makes every turn that changes its actor call f at each of the points before_commit, after_commit and
// before_reply, every alarm at before_alarm
// and before_ack, and every message of a queue at before_message_ack, before_move and after_move. It exists only in builds with the
// tag chaos.
func OnPoint(f func(point string)) { faults.Handle(f) }
