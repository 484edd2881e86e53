package actorhost

import (
	"cmp"
	"time"
)

// Defaults of an actor type.
const (
	DefaultSleepAfter    = 30 * time.Second
	DefaultActionTimeout = 60 * time.Second
	DefaultMailboxSize   = 4096
)

// TypeConfig configures the actors of one type: see [ActorType.Config]. The zero value is ready to use.
type TypeConfig struct {
	// SleepAfter is how long an actor stays awake without a call. It may fall asleep half a second later; with very
	// many active actors, later by a hundred times the time it takes to look at all of them. Default:
	// [DefaultSleepAfter].
	SleepAfter time.Duration
	// ActionTimeout limits actions and hooks whose caller would wait longer: the Context is done then. An action that
	// ignores this is not stopped. Default: [DefaultActionTimeout].
	ActionTimeout time.Duration
	// CancelWithCaller makes the Context of a running action done when its caller gives up. The action may go on all the
	// same. Calls that still wait for their turn are passed over in any case. Only callers whose context is canceled say
	// so: one that dies does not.
	CancelWithCaller bool
	// MailboxSize limits how many calls wait for one actor. A call beyond that is refused with troupe.CodeOverloaded, as is
	// one when 64 MB wait for the actor or 512 MB on its host. Default: [DefaultMailboxSize].
	MailboxSize int
	// CreatedOnly has actors come into being by troupe.Create alone. Any other call to one that does not exist fails with
	// troupe.CodeNotFound, and stores nothing. Then a rule of NATS says who may create actors: the token _create.
	CreatedOnly bool
}

func (c TypeConfig) withDefaults() TypeConfig {
	c.SleepAfter = cmp.Or(c.SleepAfter, DefaultSleepAfter)
	c.ActionTimeout = cmp.Or(c.ActionTimeout, DefaultActionTimeout)
	c.MailboxSize = cmp.Or(c.MailboxSize, DefaultMailboxSize)
	return c
}
