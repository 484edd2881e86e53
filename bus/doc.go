// Package bus connects a program to NATS, or runs a NATS server within the program.
//
// [Open] does either, as its config says; [ConfigFromEnv] reads a config from the environment. [Connect] connects to an
// existing server. The result is an ordinary *nats.Conn, which the packages client and actorhost take.
package bus
