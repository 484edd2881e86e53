// Package chaos proves what package actorhost promises while hosts and servers die, freeze, lose each other and are full. It is
// all tests, in builds with the tag chaos: see `make chaos` and docs/reliability.md. They need Unix, whose signals freeze
// a process and have it go on.
package chaos
