package actorhost

import (
	"errors"
	"reflect"
	"slices"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
)

// mapField is a Map without its types.
type mapField interface{ checkTypes() error }

// mapsOf finds the maps of a type of states. It tells fail what is wrong with them.
func mapsOf(state reflect.Type, fail func(format string, args ...any)) (maps []codec.FieldApart) {
	if state == nil || codec.Check(state) != nil {
		return nil // which is another error
	}
	fields, err := codec.FieldsApart(state)
	if err != nil {
		fail("its state: %w", err)
	}
	for _, f := range fields {
		m, ok := reflect.TypeAssert[mapField](reflect.New(state.FieldByIndex(f.Index).Type))
		if !ok {
			continue
		}
		if err := errors.Join(troupe.CheckName("map", f.Name), m.checkTypes()); err != nil {
			fail("the map %s of its state: %w", f.Name, err)
		}
		if slices.ContainsFunc(maps, func(other codec.FieldApart) bool { return other.Name == f.Name }) {
			fail("its state has two maps named %s", f.Name)
		}
		maps = append(maps, f)
	}
	return maps
}
