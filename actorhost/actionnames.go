package actorhost

import (
	"iter"
	"slices"
	"strings"

	"github.com/troupe-go/troupe/internal/wire"
)

// maxActionNames is how many bytes of the names of a type's actions an error shows, or of other names.
const maxActionNames = 500

// actionNames lists the actions of a type but those that every type has.
func actionNames(actions iter.Seq[string]) string {
	names := slices.DeleteFunc(slices.Sorted(actions), wire.Builtin)
	if len(names) == 0 {
		return "none of its own"
	}
	return shorten(strings.Join(names, ", "))
}

// shorten cuts off a list of names that is long.
func shorten(list string) string {
	if len(list) > maxActionNames {
		return list[:maxActionNames] + "..." // names are ASCII
	}
	return list
}
