package troupe

import "strings"

// Keys selects actors of a type by their keys. The zero value selects all.
type Keys struct {
	prefix []string
	exact  bool
	more   int
}

// Under selects the keys that begin with these parts: Under("org1") is the key org1 itself, org1/lobby, org1/a/b, and so
// on. What such a subscription receives is every event of these actors, of which it passes on the one that it is to: name
// the depth by [Keys.Exactly] where they have many others.
func Under(prefix ...string) Keys { return Keys{prefix: prefix} }

// Exactly selects those of the keys that have this many more parts: Under("org1").Exactly(1) is every room of org1, if
// the keys of rooms are an organisation and a name.
func (k Keys) Exactly(more int) Keys {
	k.exact, k.more = true, more
	return k
}

// Actors is what a subscription listens to: one actor, or those of a type that [Keys] selects.
type Actors struct {
	id      ID // of the one
	pattern string
}

// NewActors returns the actors of a type that keys selects. The error, with [CodeBadInput], says which limit the type or
// the keys break.
func NewActors(actorType string, keys Keys) (Actors, error) {
	id, err := NewID(actorType, keys.prefix...)
	switch {
	case err != nil:
		return Actors{}, err
	case keys.more < 0 || len(keys.prefix)+keys.more > MaxKeyParts:
		return Actors{}, badInput("keys of %s with %d parts after the first %d: a key has at most %d",
			actorType, keys.more, len(keys.prefix), MaxKeyParts)
	case !keys.exact:
		return Actors{pattern: id.text + ".>"}, nil
	case keys.more == 0:
		return id.Actors(), nil
	}
	return Actors{pattern: id.text + strings.Repeat(".*", keys.more)}, nil
}

// Actors is the actor alone.
func (id ID) Actors() Actors { return Actors{id: id, pattern: id.text} }

// One is the actor, if it is only one by its type and key.
func (a Actors) One() (ID, bool) { return a.id, !a.id.IsZero() }

// Pattern is the actors as NATS sees them: the tokens of an ID, of which "*" is any one and a last ">" any further ones,
// or none.
func (a Actors) Pattern() string { return a.pattern }

// String is the actors as people see them: "room/org1/*".
func (a Actors) String() string { return strings.ReplaceAll(a.pattern, ".", "/") }
