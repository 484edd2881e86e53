package main

// state is how well something is, as plugins of monitoring say it, with their exit codes.
type state int

const (
	stateOK state = iota
	stateWarning
	stateCritical
	stateUnknown
)

func (s state) String() string { return [...]string{"OK", "WARNING", "CRITICAL", "UNKNOWN"}[s] }

// worse returns the state that counts of two: what is known to be bad counts more than what is not known.
func (s state) worse(other state) state {
	order := [...]int{stateOK: 0, stateUnknown: 1, stateWarning: 2, stateCritical: 3}
	if order[other] > order[s] {
		return other
	}
	return s
}
