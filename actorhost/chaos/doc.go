// Package chaos proves what package actorhost promises while hosts and servers die, freeze and lose each other. It is
// all tests, in builds with the tag chaos: see `make chaos` and docs/reliability.md. They need Unix, whose signals freeze
// a process and have it go on.
package chaos
