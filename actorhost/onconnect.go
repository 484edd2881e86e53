package actorhost

import (
	"reflect"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/wire"
)

// connectHook is an on-connect hook.
type connectHook func(s any, c *Context, conn *Connection, in input) error

// OnConnect implements connecting with parameters. If f fails, there is no connection, and the program gets the error.
// f also runs when a connection comes back after its host has died or has moved the actor. The connection receives what
// f broadcasts and sends to it.
func OnConnect[R troupe.Reference, S, P any](_ troupe.Connector[R, P], f func(*S, *Context, *Connection, P) error) Handler[R, S] {
	takes := reflect.TypeFor[P]()
	return Handler[R, S]{name: wire.ConnectAction, takes: takes, connect: func(s any, c *Context, conn *Connection, in input) error {
		var params P
		if err := decodeInto(c, in, &params); err != nil {
			return err
		}
		return f(s.(*S), c, conn, params)
	}}
}
