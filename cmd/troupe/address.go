package main

import (
	"github.com/troupe-go/troupe"
)

// address is the actor that a verb is about.
type address struct {
	Type string `arg:"" help:"Actor type."`
	Key  string `arg:"" help:"Key, parts separated by slashes; \"\" is the key of no parts."`
}

func (a address) id() (troupe.ID, error) {
	key, err := parseKey(a.Key)
	if err != nil {
		return troupe.ID{}, usageError{err}
	}
	return troupe.NewID(a.Type, key...)
}
