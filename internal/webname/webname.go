// Package webname knows by which names a web server may be asked for. A page of a stranger, whose own name is made to lead to the
// server (DNS rebinding), asks by that name.
package webname

import (
	"net"
	"slices"
	"strings"
)

// Local are the names of a server that only programs on its machine reach.
var Local = []string{"localhost", "127.0.0.1", "::1"}

// Names are those that are known.
type Names []string

// New returns the names of a server: hosts, with or without ports, or [Local] if there are none.
func New(hosts []string) Names {
	if len(hosts) == 0 {
		hosts = Local
	}
	names := make(Names, 0, len(hosts))
	for _, host := range hosts {
		names = append(names, plain(host))
	}
	return names
}

// Has reports whether the host of a request is one of them, by whatever port.
func (n Names) Has(host string) bool { return slices.Contains(n, plain(host)) }

// plain is a host without its port and brackets.
func plain(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.Trim(host, "[]"))
}
