package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/jedib0t/go-pretty/v6/table"
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/internal/look"
	"github.com/troupe-go/troupe/internal/wire"
)

// balanceCommand is the verb balance.
type balanceCommand struct {
	Type   string `placeholder:"TYPE" help:"Only actors of this type (default: of each type)."`
	AtOnce int    `default:"16" placeholder:"N" help:"How many actors move at a time (default: 16)."`
	DryRun bool   `short:"n" help:"Only say how many would move."`
}

// Help is shown by troupe balance --help.
func (*balanceCommand) Help() string {
	return `Actors stay where they have woken. After a host has joined, balance moves some of those that are awake to it, until ` +
		`each host that runs a type has as many of its actors as the others. See troupe move for what an actor does. One that is ` +
		`busy for longer than --timeout stays; then the exit code is 5, and balance may be run again.`
}

func (c *balanceCommand) run(ctx context.Context, e env) error {
	if c.AtOnce < 1 {
		return usageError{fmt.Errorf("--at-once %d is not positive", c.AtOnce)}
	}
	return e.withConnection(ctx, func(ctx context.Context, conn connection) error {
		hosts, err := conn.looker().Hosts(ctx, 0)
		if err != nil {
			return err
		}
		types := look.TypesOf(hosts)
		if c.Type != "" {
			if !slices.Contains(types, c.Type) {
				return nothingFound("no host that is up runs the type %q", c.Type)
			}
			types = []string{c.Type}
		}
		hosts = slices.DeleteFunc(hosts, func(h look.Host) bool {
			if h.Err != nil {
				fmt.Fprintf(e.err, "left out: %s, which does not say how many actors it has: %v\n", nameAndID(h.HostEntry), h.Err)
			}
			return h.Err != nil
		})
		m := &mover{connection: conn, atOnce: c.AtOnce, shares: sharesOf(hosts, types)}
		if !c.DryRun {
			err = m.moveAll(ctx)
		}
		return errors.Join(err, m.print(c.DryRun))
	})
}

// share is how many actors of a type are awake on a host, and how many should be.
type share struct {
	host        look.Host
	actorType   string
	has, should int
	moved       atomic.Int64 // to it; below 0: away from it
}

// sharesOf returns those hosts and types where something is to move, by type.
func sharesOf(hosts []look.Host, types []string) (shares []*share) {
	for _, one := range types {
		var of []*share
		total := 0
		for _, h := range hosts {
			if h.MayRun(one) {
				of = append(of, &share{host: h, actorType: one, has: h.Figures.Types[one]})
				total += h.Figures.Types[one]
			}
		}
		slices.SortStableFunc(of, func(a, b *share) int { return cmp.Compare(b.has, a.has) })
		for i, s := range of { // those that have more keep one more
			if s.should = total / len(of); i < total%len(of) {
				s.should++
			}
		}
		shares = append(shares, slices.DeleteFunc(of, func(s *share) bool { return s.has == s.should })...)
	}
	return shares
}

// mover moves actors until each host has its share.
type mover struct {
	connection
	atOnce int
	shares []*share
	client *client.Client
	done   atomic.Int64
	failed atomic.Int64
	why    atomic.Pointer[error] // the last that has failed
}

// left is how many are to move.
func (m *mover) left() (n int64) {
	for _, s := range m.shares {
		n += int64(max(s.has-s.should, 0))
	}
	return n
}

func (m *mover) moveAll(ctx context.Context) (err error) {
	if m.client, err = m.newClient(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.client.Close(context.WithoutCancel(ctx))) }()
	if total := m.left(); total > 0 && !m.json && isTerminal(m.err) {
		defer showProgress(m.err, "moving actors", total, m.done.Load)()
	}
	for _, from := range m.shares {
		if from.has > from.should {
			if err := m.moveFrom(ctx, from); err != nil {
				return err
			}
		}
	}
	if why := m.why.Load(); why != nil {
		//nolint:errorlint // the code of one is not that of all: others have moved
		return fmt.Errorf("%d actors have not moved, the last because: %v", m.failed.Load(), *why)
	}
	return nil
}

// moveFrom moves what a host has beyond its share.
func (m *mover) moveFrom(ctx context.Context, from *share) error {
	surplus := from.has - from.should
	query := wire.AwakeQuery{Type: from.actorType, Limit: 1000}
	for surplus > 0 {
		var page wire.AwakePage
		body, err := json.Marshal(query)
		if err != nil {
			return err
		}
		if err := m.looker().Ask(ctx, m.namespace.Awake(from.host.ID), body, &page); err != nil {
			return err
		}
		var all errgroup.Group
		all.SetLimit(m.atOnce)
		for _, a := range page.Actors[:min(len(page.Actors), surplus)] {
			to := m.receiver(from.actorType)
			if to == nil || ctx.Err() != nil {
				surplus = 0
				break
			}
			surplus--
			to.has++
			all.Go(func() error { m.move(ctx, from, to, a.Actor); return nil })
		}
		_ = all.Wait()
		if query.Next = page.Next; query.Next == "" {
			break
		}
	}
	return ctx.Err()
}

// receiver returns a host that has too few, or nil.
func (m *mover) receiver(actorType string) *share {
	for _, s := range m.shares {
		if s.actorType == actorType && s.has < s.should {
			return s
		}
	}
	return nil
}

// move moves an actor. One that exists no more needs no host.
func (m *mover) move(ctx context.Context, from, to *share, tokens string) {
	defer m.done.Add(1)
	ctx, cancel := context.WithTimeout(ctx, m.timeout)
	defer cancel()
	id, err := troupe.ParseID(tokens)
	if err == nil {
		err = m.client.Invoke(ctx, moveCall(id, to.host.ID))
	}
	switch {
	case errors.Is(err, troupe.ErrNotFound):
	case err != nil:
		m.failed.Add(1)
		m.why.Store(&err)
	default:
		from.moved.Add(-1)
		to.moved.Add(1)
	}
}

// print says what has moved, or would move.
func (m *mover) print(dry bool) error {
	type line struct {
		Type   string `json:"type"`
		Host   string `json:"host"`
		Name   string `json:"name,omitempty"`
		Awake  int    `json:"awake"`  // when it began
		Should int    `json:"should"` // be awake there
		Moved  int64  `json:"moved"`  // to the host; less than 0: away from it
	}
	if len(m.shares) == 0 {
		fmt.Fprintln(m.err, "nothing to move: each host has its share")
		return nil
	}
	w := newTable(m.terminal, "AWAKE", "SHARE", "MOVED")
	w.AppendHeader(table.Row{"TYPE", "HOST", "AWAKE", "SHARE", "MOVED"})
	for _, s := range m.shares {
		awake, moved := s.host.Figures.Types[s.actorType], fmt.Sprintf("%+d", s.moved.Load())
		if m.json {
			if err := m.printLine(line{s.actorType, s.host.ID, s.host.Name, awake, s.should, s.moved.Load()}); err != nil {
				return err
			}
			continue
		}
		if dry {
			moved = "-"
		}
		w.AppendRow(table.Row{s.actorType, nameAndID(s.host.HostEntry), awake, s.should, moved})
	}
	if m.json {
		return nil
	}
	_, err := fmt.Fprintln(m.out, w.Render())
	return err
}
