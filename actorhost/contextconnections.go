package actorhost

// Connections are those that the actor has, in the order of their beginning.
func (c *Context) Connections() []*Connection { return c.a.connections.all() }

// Connection is the one by which the running call was made, or that a hook is about. It is not ok for a call that was
// made without one.
func (c *Context) Connection() (conn *Connection, ok bool) {
	return c.turn.connection, c.turn.connection != nil
}

// Disconnect ends a connection once the running action has succeeded: its program is told the reason, and the
// on-disconnect hook runs in a turn of its own.
func (c *Context) Disconnect(conn *Connection, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	does := c.effectsToFill()
	does.disconnections = append(does.disconnections, disconnection{conn, reason})
}
