//go:build chaos && unix

package chaos_test

import (
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
)

// The three kinds of actors whose histories are checked.
type (
	register struct{ troupe.Ref }
	counter  struct{ troupe.Ref }
	list     struct{ troupe.Ref }
)

func (register) ActorType() string { return "register" }
func (counter) ActorType() string  { return "counter" }
func (list) ActorType() string     { return "list" }

var (
	write = troupe.NewAction[register, int, struct{}]("write")
	read  = troupe.NewAction[register, *struct{}, int]("read")
	add   = troupe.NewAction[counter, int, int]("add")
	count = troupe.NewAction[counter, *struct{}, int]("count")
	nap   = troupe.NewAction[counter, time.Duration, int]("nap")
	put   = troupe.NewAction[list, string, int]("put")
	drop  = troupe.NewAction[list, troupe.None, troupe.None]("drop")
	items = troupe.NewAction[list, *struct{}, []string]("items")
	added = troupe.NewEvent[list, place]("added")
)

// longest is the largest number that is added, which takes longest.
const longest = 9

// place is where in a list an item was put, from 1.
type place struct {
	Item string `json:"item"`
	At   int    `json:"at"`
}

func definitions() []actorhost.Definition {
	type number struct {
		Value int `json:"value"`
	}
	type all struct {
		Items []string `json:"items"`
	}
	zero := func() number { return number{} }
	return []actorhost.Definition{
		actorhost.Define(zero,
			actorhost.On(write, func(s *number, _ *actorhost.Context, v int) (struct{}, error) { s.Value = v; return struct{}{}, nil }),
			actorhost.On(read, func(s *number, _ *actorhost.Context, _ *struct{}) (int, error) { return s.Value, nil }),
		),
		actorhost.Define(zero,
			actorhost.On(add, func(s *number, _ *actorhost.Context, n int) (int, error) {
				s.Value += n
				if n == longest { // so that others come meanwhile
					time.Sleep(time.Millisecond)
				}
				return s.Value, nil
			}),
			actorhost.On(nap, func(s *number, _ *actorhost.Context, d time.Duration) (int, error) {
				// The action is under way for that long, in another process, when its host is stopped.
				time.Sleep(d)
				s.Value++
				return s.Value, nil
			}),
			actorhost.On(count, func(s *number, _ *actorhost.Context, _ *struct{}) (int, error) { return s.Value, nil }).BesideTurns(),
		),
		actorhost.Define(func() all { return all{} },
			actorhost.On(put, func(s *all, c *actorhost.Context, item string) (int, error) {
				s.Items = append(s.Items, item)
				return len(s.Items), added.Broadcast(c, place{item, len(s.Items)})
			}),
			actorhost.On(drop, func(_ *all, c *actorhost.Context, _ troupe.None) (troupe.None, error) { c.Destroy(); return nil, nil }),
			actorhost.On(items, func(s *all, _ *actorhost.Context, _ *struct{}) ([]string, error) { return s.Items, nil }),
		),
	}
}
