package actorhost

import (
	"cmp"
	"fmt"
	"log/slog"
	"os"
	"time"
)

// Config is how a host runs. The zero value is a good one.
type Config struct {
	// Namespace keeps systems of actors on one bus apart. Defaults to client.DefaultNamespace.
	Namespace string
	// Name is what people see of the host. Defaults to the machine's host name. Hosts need no different names: each
	// start has an id of its own.
	Name string
	// Lease is how long the others wait before they take over the actors of a host that has fallen silent, in whole
	// seconds. Defaults to 3 s on a single server and 15 s on a cluster, where it must outlast the election of a new
	// leader (up to 9 s).
	Lease time.Duration
	// TakeoverOnDisconnect has this host, on a cluster, take over the actors of a host as soon as NATS knows of no
	// connection of it, within a second instead of after the lease. The price is paid when the servers of a cluster lose
	// sight of each other while their clients do not: a host on the far side may answer calls that change nothing from
	// what is not the newest state, for up to a third of its lease. What is stored is as safe as without. On a single
	// server it is always so, and costs nothing.
	TakeoverOnDisconnect bool
	// Grace bounds how long [Run] lets running actions and sleep hooks take when the host stops. Defaults to 15 s.
	Grace time.Duration
	// MaxActive bounds how many actors are awake at a time; a call that would wake one more is refused with
	// troupe.CodeOverloaded. Defaults to 1,000,000.
	MaxActive int
	// KeepEvents is for how long durable events are kept, when the host is the first to make their log. A durable
	// subscriber that is further behind misses events, and is told so. Defaults to 7 days.
	KeepEvents time.Duration
	// Replicas is the number of copies of each record, when the host is the first to make the buckets. Defaults to 3
	// on a cluster and 1 on a single server.
	Replicas int
	// Logger is where the host tells of what callers are not told. Defaults to slog.Default().
	Logger *slog.Logger
}

// Defaults of a host.
const (
	DefaultGrace        = 15 * time.Second
	DefaultMaxActive    = 1_000_000
	DefaultKeepEvents   = 7 * 24 * time.Hour
	defaultLease        = 3 * time.Second
	defaultClusterLease = 15 * time.Second
)

// complete fills in the defaults and checks the rest.
func (c *Config) complete(cluster bool) error {
	if c.Name == "" {
		c.Name, _ = os.Hostname() // for people only
	}
	if c.Lease == 0 {
		c.Lease = defaultLease
		if cluster {
			c.Lease = defaultClusterLease
		}
	}
	c.Grace = cmp.Or(c.Grace, DefaultGrace)
	c.MaxActive = cmp.Or(c.MaxActive, DefaultMaxActive)
	c.KeepEvents = cmp.Or(c.KeepEvents, DefaultKeepEvents)
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Lease < time.Second || c.Lease%time.Second != 0 {
		return fmt.Errorf("the lease %v is not a whole number of seconds", c.Lease)
	}
	return nil
}
