package actorhost

// waking says why an actor was not awake here.
type waking int

const (
	wasNew waking = iota
	slept
	takenOver
	wakings
)

func (w waking) String() string { return [...]string{"created", "woken", "taken_over"}[w] }
