package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/troupe-go/troupe/internal/look"
	"github.com/troupe-go/troupe/internal/store"
)

// checkCommand is the verb check.
type checkCommand struct {
	Hosts   []int           `default:"1,1" placeholder:"N" help:"Hosts that are up and take calls, at least (${default})."`
	Running []time.Duration `default:"1m" placeholder:"DURATION" help:"For how long something runs, at most (${default})."`
	Dead    []int           `default:"0" placeholder:"N" help:"Dead letters of queues, at most (${default})."`
	Stuck   []int           `default:"0" placeholder:"N" help:"Scheduled runs given up and workflows that are stuck, at most (${default})."`
	Quick   bool            `help:"Do not read the records, and so not see what is stuck or damaged."`
	Ready   string          `placeholder:"URL" help:"Ask one host at its probes instead: exit code 0 if it is ready, else 1."`
}

// Help is shown by troupe check --help.
func (*checkCommand) Help() string {
	return `For monitoring: one line, and the exit codes of its plugins: 0 ok, 1 warning, 2 critical, 3 unknown. Behind | are the ` +
		`figures. A limit is WARNING or WARNING,CRITICAL. It is critical, too, if there is no server or no JetStream, if hosts cannot ` +
		`use a stream, and if a record cannot be decoded; a host that does not reply and a replica that is away are a warning. What ` +
		`the user of the connection may not ask for is unknown.

All of it may take as long as --timeout says. --ready is for the health check of a container, as in ` +
		`troupe check --ready http://127.0.0.1:8080/readyz; it does not connect to NATS.`
}

func (c *checkCommand) run(ctx context.Context, e env) error {
	for _, limits := range [][]int{c.Hosts, c.Dead, c.Stuck, make([]int, len(c.Running))} {
		if n := len(limits); n < 1 || n > 2 {
			return usageError{errors.New("a limit is WARNING or WARNING,CRITICAL")}
		}
	}
	ctx, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	if c.Ready != "" {
		return askReady(ctx, e, c.Ready)
	}
	return e.withConnection(ctx, func(ctx context.Context, conn connection) error {
		var v verdict
		c.checkHosts(ctx, conn, &v)
		c.checkStreams(ctx, conn, &v)
		if !c.Quick {
			c.checkRecords(ctx, conn, &v)
		}
		return v.print(e)
	})
}

func (c *checkCommand) checkHosts(ctx context.Context, conn connection, v *verdict) {
	up, err := conn.hostsUp(ctx)
	if err != nil {
		v.failed(err)
		return
	}
	serving, silent, awake, oldest := 0, 0, 0, time.Duration(0)
	running := "nothing has run for a second"
	denied := ""
	for _, host := range askHosts(ctx, conn, up) {
		info := host.Info
		switch {
		case host.denied:
			serving++ // by its lease
			denied = host.Error
		case info == nil:
			silent++
		case info.Stopping:
		default:
			serving++
		}
		if info == nil {
			continue
		}
		awake += info.Awake
		if info.Oldest != nil && time.Duration(info.Oldest.For)*time.Millisecond > oldest {
			oldest, running = time.Duration(info.Oldest.For)*time.Millisecond, runText(info.Oldest)
		}
	}
	v.limit(atLeast("hosts", serving, c.Hosts), fmt.Sprintf("%d hosts up", serving))
	if silent > 0 {
		v.add(stateWarning, fmt.Sprintf("%d hosts have a lease and do not reply", silent))
	}
	if denied != "" {
		v.add(stateUnknown, denied)
		return
	}
	v.figures = append(v.figures, figure{name: "silent", value: float64(silent)}, figure{name: "awake", value: float64(awake)})
	f := figure{name: "running", value: oldest.Seconds(), unit: "s"}
	for _, limit := range c.Running {
		f.limits = append(f.limits, limit.Seconds())
	}
	v.limit(f, running)
}

func (c *checkCommand) checkStreams(ctx context.Context, conn connection, v *verdict) {
	streams, err := store.Survey(ctx, conn.nc, conn.namespace)
	if err != nil {
		v.failed(err)
		return
	}
	for _, found := range streamFindings(conn.namespace.Name(), streams) {
		if found.Level == isWrong {
			v.add(stateCritical, found.Text)
		}
	}
	dead := uint64(0)
	for _, one := range streams {
		if one.Info == nil {
			continue
		}
		if one.Name == store.DeadName(conn.namespace) {
			dead = one.Info.State.Msgs
		}
		if away := replicasAway(one); away > 0 {
			v.add(stateWarning, fmt.Sprintf("%d of %d replicas of %s are away", away, one.Info.Config.Replicas, one.Name))
		}
	}
	v.limit(atMost("dead", int(dead), c.Dead), fmt.Sprintf("%d dead letters", dead))
}

// replicasAway is how many replicas of a stream its leader does not reach.
func replicasAway(one store.Surveyed) (away int) {
	if one.Info.Cluster == nil {
		return 0
	}
	for _, peer := range one.Info.Cluster.Replicas {
		if peer.Offline {
			away++
		}
	}
	return away
}

func (c *checkCommand) checkRecords(ctx context.Context, conn connection, v *verdict) {
	all, damaged, err := conn.looker().Stuck(ctx, "")
	if errors.Is(err, context.DeadlineExceeded) { // there may be many
		v.add(stateUnknown, "the records could not be read in time: --timeout gives more, --quick leaves them out")
		return
	}
	if err != nil {
		v.failed(err)
		return
	}
	stuck := slices.DeleteFunc(all, func(s look.Stuck) bool { return s.Kind == look.StuckQueue }) // counted already
	v.limit(atMost("stuck", len(stuck), c.Stuck), fmt.Sprintf("%d stuck", len(stuck)))
	v.figures = append(v.figures, atMost("damaged", damaged, []int{0, 0}))
	if damaged > 0 {
		v.add(stateCritical, fmt.Sprintf("%d records cannot be decoded", damaged))
	}
}
