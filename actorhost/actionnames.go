package actorhost

import (
	"iter"
	"slices"
	"strings"

	"github.com/troupe-go/troupe/internal/wire"
)

// maxActionNames is how many bytes of the names of a type's actions an error shows.
const maxActionNames = 500

// actionNames lists the actions of a type but those that every type has.
func actionNames(actions iter.Seq[string]) string {
	names := slices.DeleteFunc(slices.Sorted(actions), wire.Builtin)
	if len(names) == 0 {
		return "none of its own"
	}
	list := strings.Join(names, ", ")
	if len(list) > maxActionNames {
		return list[:maxActionNames] + "..." // names are ASCII
	}
	return list
}
