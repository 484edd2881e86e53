// Package bus connects a program to NATS, and runs a NATS server within the program where there is none.
//
// [Open] does either, by what its config says; [ConfigFromEnv] reads them from the environment. [Connect] connects to a
// server elsewhere. What a program gets is an ordinary *nats.Conn, which the packages client and actorhost take.
package bus
