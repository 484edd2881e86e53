package actorhost

import (
	"fmt"
	"hash"
	"hash/fnv"
	"maps"
	"reflect"
	"slices"

	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/wire"
)

// A host tells other hosts what its program has for an actor type: see [roster.passOn].

// typeInfo describes an actor type.
func (t *actorType) typeInfo() wire.TypeInfo {
	info := wire.TypeInfo{Actions: make(map[string]string, len(t.actions))}
	for name, action := range t.actions {
		if action.takes != nil || wire.Builtin(name) { // another version of Troupe may have others
			info.Actions[name] = fingerprint(action.takes)
		}
	}
	for name, queue := range t.queues {
		if info.Queues == nil {
			info.Queues = make(map[string]string, len(t.queues))
			info.Actions[wire.QueuedAction] = fingerprint(nil) // hosts that do not know queues look for that
		}
		info.Queues[name] = fingerprint(queue.takes)
	}
	if t.loop != nil {
		info.Actions[record.LoopPause] = ""
	}
	for of := range t.events {
		info.Events = append(info.Events, of.String())
	}
	slices.Sort(info.Events)
	return info
}

// fingerprint tells the inputs of actions apart: those that are encoded alike have the same.
func fingerprint(takes reflect.Type) string {
	if takes == nil {
		takes = nothing
	}
	h := fnv.New64a()
	write(h, inputShape(takes))
	return sum(h)
}

// programOf is the same for two programs that take the same calls and events.
func programOf(types map[string]*actorType) string {
	h := fnv.New64a()
	for _, name := range slices.Sorted(maps.Keys(types)) {
		info := types[name].typeInfo()
		write(h, name)
		for _, action := range slices.Sorted(maps.Keys(info.Actions)) {
			write(h, action)
			write(h, info.Actions[action])
		}
		for _, event := range info.Events {
			write(h, event)
		}
		for _, queue := range slices.Sorted(maps.Keys(info.Queues)) {
			write(h, "queue "+queue)
			write(h, info.Queues[queue])
		}
	}
	return sum(h)
}

func write(h hash.Hash, text string) { _, _ = h.Write(append([]byte(text), 0)) } // never fails

func sum(h hash.Hash64) string { return fmt.Sprintf("%016x", h.Sum64()) }
