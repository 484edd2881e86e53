package main

import (
	"github.com/troupe-go/troupe"
)

// actorArgs are the arguments that name an actor.
type actorArgs struct {
	Type string `arg:"" help:"Actor type."`
	Key  string `arg:"" help:"Key: parts separated by slashes; \"\" is the key without parts."`
}

func (a actorArgs) id() (troupe.ID, error) {
	key, err := parseKey(a.Key)
	if err != nil {
		return troupe.ID{}, usageError{err}
	}
	return troupe.NewID(a.Type, key...)
}
