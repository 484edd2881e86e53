package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/client"
)

// benchCommand is the verb bench.
type benchCommand struct {
	actorArgs
	Action string  `arg:"" help:"Action."`
	Input  *string `arg:"" name:"json" optional:"" help:"Input as JSON; - reads it from stdin."`

	InFlight int           `short:"c" default:"16" placeholder:"N" help:"Calls in flight at a time (default: ${default})."`
	Keys     int           `short:"k" default:"1" placeholder:"N" help:"Call N actors in turn: the last part of KEY gets -1, -2, ..."`
	Duration time.Duration `short:"d" default:"10s" placeholder:"DURATION" help:"How long the measurement takes (default: ${default})."`
	Count    int           `short:"n" placeholder:"N" help:"Make this many calls instead, and as many plain requests."`
	Rounds   int           `default:"5" placeholder:"N" help:"How often calls and plain requests take turns (default: ${default})."`
	Progress bool          `negatable:"" default:"true" help:"Show a progress bar, on a terminal."`
}

// Help is shown by troupe bench --help.
func (*benchCommand) Help() string {
	return `Calls of the action take turns with plain NATS requests of the same size, with as many in flight, which a second ` +
		`connection of this program answers. Both meet the same machine and server, so their ratio says more than either: 1x is ` +
		`as fast as plain NATS, 2x takes twice as long. The range is that of the rounds.

The calls are real: an action that changes its actor changes it with each call, and the actors stay. Failed calls are ` +
		`counted by code. They do not count in the rate or the times, and a round with one does not count in the ratio. The exit ` +
		`code is 0 if any call has succeeded.`
}

func (c *benchCommand) run(ctx context.Context, e env) error {
	if err := c.check(); err != nil {
		return err
	}
	ids, err := c.ids()
	if err != nil {
		return err
	}
	var given json.RawMessage
	if c.Input != nil {
		if given, err = readJSON(ctx, e.in, c.Input, "input"); err != nil {
			return err
		}
	}
	return e.withConnection(ctx, func(ctx context.Context, conn connection) error {
		m := measurement{bench: c, done: new(atomic.Int64), actor: newTally(), plain: newTally()}
		if err := m.run(ctx, conn, ids, given); err != nil {
			return conn.explainUnknownType(ctx, c.Type, err)
		}
		report := m.report()
		return report.print(e)
	})
}

func (c *benchCommand) check() error {
	for _, flag := range []struct {
		name  string
		value int
	}{{"in-flight", c.InFlight}, {"keys", c.Keys}, {"rounds", c.Rounds}, {"duration", int(c.Duration)}} {
		if flag.value <= 0 {
			return usageError{fmt.Errorf("--%s must be positive", flag.name)}
		}
	}
	if c.Count < 0 || c.Count > 0 && c.Count < c.Rounds {
		return usageError{fmt.Errorf("--count %d is less than one call for each of %d rounds", c.Count, c.Rounds)}
	}
	return troupe.CheckName("action", c.Action)
}

// ids returns the actors to call.
func (c *benchCommand) ids() ([]troupe.ID, error) {
	id, err := c.id()
	if err != nil || c.Keys == 1 {
		return []troupe.ID{id}, err
	}
	ids := make([]troupe.ID, c.Keys)
	for i := range ids {
		key := append([]string{}, id.Key()...)
		if len(key) == 0 {
			key = []string{strconv.Itoa(i + 1)}
		} else {
			key[len(key)-1] += "-" + strconv.Itoa(i+1)
		}
		if ids[i], err = troupe.NewID(id.Type(), key...); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// measurement is a run of the verb bench.
type measurement struct {
	bench     *benchCommand
	callActor func(ctx context.Context, call int) error
	callPlain func(ctx context.Context, call int) error
	done      *atomic.Int64
	actor     *tally
	plain     *tally
	ratios    []float64 // of each round
}

// run fails if there is nothing to report.
func (m *measurement) run(ctx context.Context, conn connection, ids []troupe.ID, input json.RawMessage) (err error) {
	cl, err := conn.newClient()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cl.Close(context.WithoutCancel(ctx))) }()
	m.callActor = actorCaller(cl, ids, m.bench.Action, input, conn.timeout)
	closeEcho, err := m.echo(ctx, conn, input)
	if err != nil {
		return err
	}
	defer closeEcho()
	if err := m.warmUp(ctx, len(ids)); err != nil {
		return err
	}
	m.measure(ctx, conn.env)
	return m.failure(ctx)
}

// actorCaller returns a function that calls the actors in turn.
func actorCaller(
	cl *client.Client, ids []troupe.ID, action string, input json.RawMessage, timeout time.Duration,
) func(context.Context, int) error {
	return func(ctx context.Context, call int) error {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		invocation := troupe.Invocation{ID: ids[call%len(ids)], Action: action}
		if input != nil {
			invocation.In = input
		}
		return cl.Invoke(ctx, invocation)
	}
}

// echo starts what answers plain requests, on a connection of its own, and returns the function that ends it.
func (m *measurement) echo(ctx context.Context, conn connection, body []byte) (end func(), err error) {
	echo, err := conn.connect(ctx)
	if err != nil {
		return nil, err
	}
	subject := echo.nc.NewInbox()
	_, err = echo.nc.Subscribe(subject, func(msg *nats.Msg) { _ = msg.Respond(msg.Data) }) // a lost reply counts as an error
	if err == nil {
		err = echo.flush(ctx)
	}
	if err == nil { // or each of the requests would wait for an answer, where NATS does not allow them
		err = errors.Join(conn.nc.Publish(subject, nil), conn.flush(ctx))
	}
	if err != nil {
		echo.nc.Close()
		return nil, fmt.Errorf("answering plain requests: %w", echo.explainDenied(err))
	}
	m.callPlain = func(context.Context, int) error {
		_, err := conn.nc.Request(subject, body, conn.timeout)
		return err
	}
	return echo.nc.Close, nil
}

// warmUp wakes the actors. It fails if every call would fail.
func (m *measurement) warmUp(ctx context.Context, actors int) error {
	err := m.callActor(ctx, 0)
	for _, hopeless := range []error{troupe.ErrUnknownType, troupe.ErrUnknownAction, troupe.ErrBadInput, troupe.ErrUnavailable} {
		if errors.Is(err, hopeless) {
			return err
		}
	}
	ignored := new(atomic.Int64)
	load{inFlight: min(m.bench.InFlight, actors), calls: actors, done: ignored}.run(ctx, newTally(), m.callActor)
	load{inFlight: m.bench.InFlight, calls: m.bench.InFlight, done: ignored}.run(ctx, newTally(), m.callPlain)
	return ctx.Err()
}

// measure lets calls and plain requests take turns.
func (m *measurement) measure(ctx context.Context, e env) {
	if m.bench.Progress && !e.json && isTerminal(e.err) {
		total, done := m.progress()
		defer showProgress(e.err, "measuring", total, done)()
	}
	rounds := m.bench.Rounds
	for round := range rounds {
		turn := load{inFlight: m.bench.InFlight, time: m.bench.Duration / time.Duration(2*rounds), done: m.done}
		if count := m.bench.Count; count > 0 {
			turn.calls = count*(round+1)/rounds - count*round/rounds
		}
		plain, actor := newTally(), newTally()
		turn.run(ctx, plain, m.callPlain)
		turn.run(ctx, actor, m.callActor)
		m.plain.merge(plain)
		m.actor.merge(actor)
		if ctx.Err() != nil {
			return
		}
		if plain.allSucceeded() && actor.allSucceeded() { // failed calls take time, but do not count in the rate
			m.ratios = append(m.ratios, plain.rate()/actor.rate())
		}
	}
}

// progress returns how much there is to do and how much is done: in calls, or in milliseconds from now on.
func (m *measurement) progress() (total int64, done func() int64) {
	if count := m.bench.Count; count > 0 {
		return 2 * int64(count), m.done.Load
	}
	began := time.Now()
	return m.bench.Duration.Milliseconds(), func() int64 { return time.Since(began).Milliseconds() }
}

// failure says why there is nothing to report, or nil.
func (m *measurement) failure(ctx context.Context) error {
	switch {
	case m.actor.times.TotalCount() > 0:
		return nil
	case m.actor.first != nil:
		return m.actor.first
	}
	return ctx.Err()
}

func (m *measurement) report() benchReport {
	c := m.bench
	return benchReport{
		subject:  fmt.Sprintf("%s %q %s", c.Type, c.Key, c.Action),
		inFlight: c.InFlight, keys: c.Keys,
		actor: m.actor, plain: m.plain, ratio: newRatio(m.ratios),
	}
}
