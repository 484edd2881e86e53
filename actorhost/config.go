package actorhost

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/dedup"
	"github.com/troupe-go/troupe/internal/store"
)

// Config configures a host. The zero value is ready to use.
type Config struct {
	// Namespace separates systems of actors that share a bus. Defaults to client.DefaultNamespace.
	Namespace string
	// Name is the host's name for people. Defaults to the machine's host name. Names need not be unique: each start has
	// its own id.
	Name string
	// Lease is how long other hosts wait before they take over the actors of a host that has fallen silent, in whole
	// seconds. Defaults to 3 s on a single server and 15 s on a cluster, where it must outlast the election of a new
	// leader (up to 9 s), but to an eighth of a second for each host that is up, if that is more.
	Lease time.Duration
	// TakeoverOnDisconnect lets this host, on a cluster, take over another host's actors within a second of NATS losing
	// that host's connection, instead of after the lease. The risk: if the servers lose sight of each other while their
	// clients stay connected, a host on the far side may answer calls that change nothing from an outdated state, for
	// up to a third of its lease. Stored state is as safe as without it. On a single server a host always does this, at
	// no risk.
	TakeoverOnDisconnect bool
	// Grace bounds how long [Run] lets running actions, steps of workflows and sleep hooks take when the host stops. Defaults to 15 s.
	Grace time.Duration
	// MaxActive limits how many actors are awake at a time. A call that would wake one more is refused with
	// troupe.CodeOverloaded. Defaults to 1,000,000.
	MaxActive int
	// Tenants limits what each tenant may take of the host. Default: no limits.
	Tenants Tenants
	// EventRetention is how long durable events are kept. It counts only on the host that creates their log. A durable
	// subscriber that lags further behind misses events, and is told so. Defaults to 7 days.
	EventRetention time.Duration
	// QueueLength is how many messages may wait in a queue of an actor. It counts only on the host that creates their stream.
	// Defaults to 10,000.
	QueueLength int
	// Replicas is the number of copies of each record. It counts only on the host that creates the buckets. Defaults to
	// 3 on a cluster and 1 on a single server. A host that finds fewer logs it.
	Replicas int
	// MaxBytes limits what is stored, for accounts that require it. It counts only on the host that creates the streams.
	// Defaults to no limit but that of the account.
	MaxBytes MaxBytes
	// RequestIDWindow is how long an actor remembers the answer to a call with a request id, at least: see
	// troupe.WithRequestID. It must be 5 minutes or more, and the same on all hosts of a namespace. Defaults to 15 minutes.
	RequestIDWindow time.Duration
	// RequestIDMemory limits the memory in which the host knows them, some 10 bytes each. Beyond it, calls with request ids
	// are refused with troupe.CodeOverloaded until actors rest or the window has passed. Defaults to 256 MB.
	RequestIDMemory int64
	// CheckState, if set, is told what a turn has left that the actor's next life would not find: a field of the state
	// that is different once it is decoded again, or an unexported field that has changed since the actor woke. An
	// unexported field that may be lost is tagged json:"-". Each place is told once in a life of the actor. It costs a
	// decoding per turn, of states over 8 KB not after every turn, and is meant for tests: package hosttest sets it.
	CheckState func(actor troupe.ID, lost error)
	// Intercept, if set, runs around each turn and each step of a workflow, and around what they call, tell, push and publish: see
	// troupe.Interceptor. Default: none.
	Intercept troupe.Interceptor
	// Probes is a host:port where the host says over HTTP whether it is ready, from the beginning of Start until it has stopped: see
	// [Host.Probes]. Whoever reaches it may ask. Default: nowhere.
	Probes string
	// Logger logs what callers are not told: of each kind, 30 lines a minute at most, and then how many were left out. Kinds are
	// told apart by their message, actor type, action and event. What actors log by [Context.Logger] has no limit. Defaults to
	// slog.Default().
	Logger *slog.Logger

	leaseGrows bool // Lease was not set
}

// MaxBytes are limits of the streams in which a namespace is stored, in bytes. NATS sets the sum aside in the account, times
// the replicas.
type MaxBytes struct {
	Records       int64 // of all actors; when there is no room for one, its actor's call fails
	Journal       int64 // what hosts store before the records; some seconds of changes
	Hosts         int64 // some 200 bytes for each host
	Subscriptions int64 // some 200 bytes for each durable subscription
	Events        int64 // durable events; when there is no room, the oldest go before EventRetention is over
	Answers       int64 // to calls with request ids, some 30 bytes each plus the output; when there is no room, such calls are refused
	Alarms        int64 // some 500 bytes for each actor that has scheduled something; when there is no room, the oldest go
	Queues        int64 // messages that wait in queues; when there is no room, nothing can be pushed
	Later         int64 // messages of queues that wait for a time; when there is no room, the oldest go
	Dead          int64 // dead letters; when there is no room, the oldest go
}

// Defaults of a host.
const (
	DefaultGrace           = 15 * time.Second
	DefaultMaxActive       = 1_000_000
	DefaultEventRetention  = 7 * 24 * time.Hour
	DefaultRequestIDWindow = dedup.DefaultWindow
	DefaultRequestIDMemory = 256 << 20
	minRequestIDWindow     = 5 * time.Minute
	defaultLease           = 3 * time.Second
	defaultClusterLease    = 15 * time.Second
)

// complete fills in the defaults, but for the lease, and checks what was set.
func (c *Config) complete() error {
	if c.Name == "" {
		c.Name, _ = os.Hostname() // for people only
	}
	c.Grace = cmp.Or(c.Grace, DefaultGrace)
	c.MaxActive = cmp.Or(c.MaxActive, DefaultMaxActive)
	c.EventRetention = cmp.Or(c.EventRetention, DefaultEventRetention)
	c.RequestIDWindow = cmp.Or(c.RequestIDWindow, DefaultRequestIDWindow)
	c.RequestIDMemory = cmp.Or(c.RequestIDMemory, DefaultRequestIDMemory)
	if c.RequestIDWindow < minRequestIDWindow {
		return fmt.Errorf("request ids are to be remembered for %v, it takes %v at least", c.RequestIDWindow, minRequestIDWindow)
	}
	if m := c.MaxBytes; min(c.RequestIDMemory, int64(c.QueueLength), m.Records, m.Journal, m.Hosts, m.Subscriptions, m.Events,
		m.Answers, m.Alarms, m.Queues, m.Later, m.Dead) < 0 {
		return errors.New("RequestIDMemory, QueueLength and MaxBytes must not be negative")
	}
	if err := c.Tenants.check(); err != nil {
		return err
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	c.Logger = guardLogger(c.Logger)
	if c.Lease < 0 || c.Lease%time.Second != 0 {
		return fmt.Errorf("the lease %v is not a whole number of seconds", c.Lease)
	}
	return nil
}

// completeLease fills in the lease, once it is known what the hosts are connected to.
func (c *Config) completeLease(oneServer bool) {
	c.leaseGrows = c.Lease == 0
	switch {
	case c.Lease != 0:
	case oneServer:
		c.Lease = defaultLease
	default:
		c.Lease = defaultClusterLease
	}
}

// streams are the settings of the streams that the host makes.
func (c *Config) streams(cluster bool) store.Settings {
	return store.Settings{
		Cluster: cluster, Replicas: c.Replicas, MaxBytes: store.MaxBytes(c.MaxBytes), Logger: c.Logger,
		KeepEvents: c.EventRetention, QueueLength: c.QueueLength, KeepAnswers: dedup.KeepFor(c.RequestIDWindow),
	}
}
