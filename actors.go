package troupe

import "strings"

// Actors is what a subscription listens to: one actor, or all actors of a type whose keys begin alike.
type Actors struct {
	id      ID // of the one actor; zero: many
	pattern string
}

// NewActors returns the actors of a type whose keys begin with prefix: see [All]. The error has [CodeBadInput] and says
// which limit the type or the prefix breaks.
func NewActors(actorType string, prefix ...string) (Actors, error) {
	id, err := NewID(actorType, prefix...)
	if err != nil {
		return Actors{}, err
	}
	return Actors{pattern: id.text + anyFurther}, nil
}

const anyFurther = ".>"

// Exactly narrows the result of [NewActors] to keys with this many parts after the prefix. The error has [CodeBadInput].
func (a Actors) Exactly(more int) (Actors, error) {
	prefix, found := strings.CutSuffix(a.pattern, anyFurther)
	parts := strings.Count(prefix, ".")
	switch {
	case !found:
		return Actors{}, badInput("the keys of %s have a number of parts already", a)
	case more < 0 || parts+more > MaxKeyParts:
		return Actors{}, badInput("keys of %s with %d more parts: a key has at most %d", a, more, MaxKeyParts)
	case more == 0:
		return ID{prefix}.Actors(), nil
	}
	return Actors{pattern: prefix + strings.Repeat(".*", more)}, nil
}

// Actors is the actor alone.
func (id ID) Actors() Actors { return Actors{id: id, pattern: id.text} }

// One returns the actor if a is a single one.
func (a Actors) One() (ID, bool) { return a.id, !a.id.IsZero() }

// Pattern is the actors as NATS sees them: the tokens of an ID. "*" stands for any token, a last ">" for any further
// tokens or none.
func (a Actors) Pattern() string { return a.pattern }

// String is the actors as people see them: "room/org1/*".
func (a Actors) String() string { return strings.ReplaceAll(a.pattern, ".", "/") }
