package calls

import (
	"maps"
	"sync/atomic"
)

// nameSet is a set that is asked all the time and hardly ever grows.
type nameSet struct {
	set atomic.Pointer[map[string]struct{}]
}

func (n *nameSet) has(name string) bool {
	set := n.set.Load()
	if set == nil {
		return false
	}
	_, ok := (*set)[name]
	return ok
}

func (n *nameSet) add(name string) {
	for !n.has(name) {
		old, grown := n.set.Load(), map[string]struct{}{name: {}}
		if old != nil {
			maps.Copy(grown, *old)
		}
		n.set.CompareAndSwap(old, &grown)
	}
}
