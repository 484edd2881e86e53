//go:build chaos

package actorhost

import "github.com/troupe-go/troupe/actorhost/internal/faults"

// OnPoint has f called at each of the points before_commit, after_commit and before_reply of every turn that changes
// its actor. It exists only in builds with the tag chaos.
func OnPoint(f func(point string)) { faults.Handle(f) }
