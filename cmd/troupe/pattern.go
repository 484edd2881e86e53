package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/wire"
)

// pattern is what watch watches: the events of one actor or of many.
type pattern struct {
	tokens string // as NATS sees the actors: see troupe.Actors.Pattern
	text   string // as people see them
	event  string // the name of the event, "*" for all
	many   bool
}

// anyPart is any type, or any part of a key. AnyFurther, as the last part, is any further parts or none.
const anyPart, anyFurther = "*", ">"

// errStar is the error for a part like a*, which NATS cannot match.
var errStar = errors.New("* and > are whole parts; for the characters, write =2A and =3E")

// newPattern parses the arguments of watch. Without a key it matches all keys.
func newPattern(actorType string, key *string, event string) (pattern, error) {
	p := pattern{event: anyPart}
	if event != "" {
		if err := troupe.CheckName("event", event); err != nil {
			return p, err
		}
		p.event = event
	}
	spelt := anyFurther
	if key != nil {
		spelt = *key
	}
	var wild []int // the places of wildcards among the tokens
	var parts []string
	if spelt != "" {
		parts = strings.Split(spelt, "/")
	}
	concrete := make([]string, len(parts))
	for i, part := range parts {
		switch {
		case part == anyPart, part == anyFurther && i == len(parts)-1:
			wild = append(wild, i+1)
			concrete[i] = "any"
		case strings.ContainsAny(part, anyPart+anyFurther):
			return p, usageError{fmt.Errorf("%q: %w", spelt, errStar)}
		default:
			concrete[i] = part
		}
	}
	named := actorType
	if actorType == anyPart {
		named, wild = "any", append(wild, 0)
	}
	id, err := actorArgs{named, strings.Join(concrete, "/")}.id()
	if err != nil {
		return p, err
	}
	p.tokens, p.text, p.many = id.Tokens(), actorText(id), len(wild) > 0
	if p.many {
		p.text = actorType + "/" + spelt
	}
	tokens := strings.Split(p.tokens, ".")
	for _, i := range wild {
		tokens[i] = anyPart
		if i > 0 {
			tokens[i] = parts[i-1]
		}
	}
	p.tokens = strings.Join(tokens, ".")
	return p, nil
}

// subject is what to subscribe to, and logSubject what to read from the log of durable events. Other events than those
// that [pattern.matches] are among them if the pattern ends with ">".
func (p pattern) subject(ns wire.Namespace) string    { return ns.Name() + ".event." + p.suffix() }
func (p pattern) logSubject(ns wire.Namespace) string { return ns.Name() + ".log." + p.suffix() }

func (p pattern) suffix() string {
	if strings.HasSuffix(p.tokens, "."+anyFurther) {
		return p.tokens
	}
	return p.tokens + "." + p.event
}

// matches reports whether an event with this name is watched.
func (p pattern) matches(event string) bool { return p.event == anyPart || p.event == event }
