package actorhost

import (
	"cmp"
	"time"
)

// Defaults of an actor type.
const (
	DefaultSleepAfter    = 30 * time.Second
	DefaultActionTimeout = 60 * time.Second
	DefaultMailbox       = 4096
)

// TypeConfig says how the actors of one type run: see [ActorType.Config]. The zero value is a good one.
type TypeConfig struct {
	// SleepAfter is how long an actor stays awake without a call. It may fall asleep half a second later; with very many
	// active actors, later by a hundred times as long as it takes to look at all of them. Default: [DefaultSleepAfter].
	SleepAfter time.Duration
	// ActionTimeout bounds an action, and a hook, whose caller would wait longer: its Context is then done. An action
	// that goes on all the same is not stopped. Default: [DefaultActionTimeout].
	ActionTimeout time.Duration
	// Mailbox bounds how many calls wait for one actor. The newest is refused with troupe.CodeOverloaded. So it is when
	// 64 MB wait for one actor, or 512 MB on its host. Default: [DefaultMailbox].
	Mailbox int
}

func (c TypeConfig) withDefaults() TypeConfig {
	c.SleepAfter = cmp.Or(c.SleepAfter, DefaultSleepAfter)
	c.ActionTimeout = cmp.Or(c.ActionTimeout, DefaultActionTimeout)
	c.Mailbox = cmp.Or(c.Mailbox, DefaultMailbox)
	return c
}
