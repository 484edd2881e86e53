package link

import (
	"slices"

	"github.com/nats-io/nats.go"
)

// Second connects once more as nc is connected, to the same server first. It does not wait for longer than nc did. Of what nc
// tells its program, the second connection tells only errors. Whoever calls it closes it.
func Second(nc *nats.Conn, name string) (*nats.Conn, error) {
	first := denialsOf(nc)
	watched.Lock() // nobody of ours sets a handler meanwhile
	options := nc.Opts
	watched.Unlock()
	options.AsyncErrorCB = first.next // not that of denials: they are those of nc
	options.Name += " " + name
	options.DisconnectedCB, options.DisconnectedErrCB, options.ConnectedCB, options.ReconnectedCB = nil, nil, nil, nil
	options.ReconnectErrCB, options.ClosedCB, options.DiscoveredServersCB, options.LameDuckModeHandler = nil, nil, nil, nil
	options.Servers = slices.Concat(options.Servers, nc.DiscoveredServers())
	if url := nc.ConnectedUrl(); url != "" && options.InProcessServer == nil {
		options.Url = url
	}
	second, err := options.Connect()
	if err != nil {
		return nil, err
	}
	first.mu.Lock()
	defer first.mu.Unlock()
	first.seconds = append(slices.DeleteFunc(first.seconds, (*nats.Conn).IsClosed), second)
	return second, nil
}

// Close closes a connection, and those that Second has made from it, as the end of the process would.
func Close(nc *nats.Conn) {
	d := denialsOf(nc)
	nc.Close()
	d.mu.Lock()
	seconds := d.seconds
	d.seconds = nil
	d.mu.Unlock()
	for _, one := range seconds {
		one.Close()
	}
}
