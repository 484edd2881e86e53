package actorhost

import "github.com/troupe-go/troupe/internal/record"

// cursor is how far the actor has come with the durable events of another, and whether it subscribes to any.
func (a *activation) cursor(source string) (cursor uint64, ok bool) {
	a.gate.Read(func(p *record.Parts) { cursor, ok = p.Follows().Cursor(source) })
	return cursor, ok
}

// subscription is what the actor has heard by a durable subscription, and whether it has that.
func (a *activation) subscription(source, event string) (heard record.Heard, ok bool) {
	a.gate.Read(func(p *record.Parts) { heard, ok = p.Follows().Heard(source, event) })
	return heard, ok
}

// countFollows is how many actors the actor subscribes to for good.
func (a *activation) countFollows() (n int) {
	a.gate.Read(func(p *record.Parts) { n = p.Follows().Len() })
	return n
}
