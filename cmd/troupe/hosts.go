package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/look"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// hostsCommand is the verb hosts.
type hostsCommand struct{}

// Help is shown by troupe hosts --help.
func (*hostsCommand) Help() string {
	return `A host is up as long as it renews its lease. If none is up, the exit code is 3. ` +
		`HOST is its name and the beginning of its id. AWAKE is the number of ` +
		`actors in its memory. CALLS counts the calls that it ran or refused since its start, FAILED the errors among them ` +
		`that hosts make, and REFUSED those that actors return on purpose. What has run for a second or longer is told too: see troupe top.`
}

// hostLine is a host as hosts --json prints it.
type hostLine struct {
	store.HostEntry
	Info  *wire.HostInfo `json:"info"` // null: it does not reply, or must not be asked
	Error string         `json:"error,omitempty"`

	denied bool
}

// typesWidth is the width of the column of types on a terminal.
const typesWidth = 16

func (*hostsCommand) run(ctx context.Context, e env) error {
	return e.withConnection(ctx, func(ctx context.Context, conn connection) error {
		up, err := conn.hostsUp(ctx)
		if err != nil {
			return err
		}
		if len(up) == 0 {
			return nothingFound("no host is up in the namespace %s", e.namespace.Name())
		}
		return printHosts(e, askHosts(ctx, conn, up))
	})
}

func printHosts(e env, hosts []hostLine) error {
	if e.json {
		return printLines(e.terminal, hosts)
	}
	if _, err := fmt.Fprintln(e.out, hostTable(e.terminal, hosts)); err != nil {
		return err
	}
	givenUp, stuck, dead, setBack := 0, 0, 0, 0
	tellLong(e.terminal, hosts)
	for _, host := range hosts {
		if host.Info != nil {
			givenUp += int(host.Info.GivenUp)
			stuck += int(host.Info.Stuck)
			dead += int(host.Info.Dead)
			setBack += host.Info.SetBack
		}
	}
	tellParked(e.terminal, givenUp, " since these hosts started")
	tellStuck(e.terminal, stuck, "have been")
	if dead > 0 {
		fmt.Fprintf(e.err, "%d messages of queues became dead letters since these hosts started: see troupe queue ls\n", dead)
	}
	tellTenants(e.terminal, hosts)
	if setBack > 0 {
		fmt.Fprintf(e.err, "the run loops of %d actors have failed and wait until they run again: the logs of the hosts say why\n", setBack)
	}
	return nil
}

// maxTenants is how many tenants are shown.
const maxTenants = 5

// tellTenants says which tenants were refused something, over all hosts.
func tellTenants(t terminal, hosts []hostLine) {
	byName := make(map[string]wire.TenantInfo)
	for _, host := range hosts {
		if host.Info == nil {
			continue
		}
		for _, one := range host.Info.Tenants {
			sum := byName[one.Tenant]
			sum.Tenant, sum.Refused, sum.Awake = one.Tenant, sum.Refused+one.Refused, sum.Awake+one.Awake
			sum.Waiting += one.Waiting
			sum.Stored = max(sum.Stored, one.Stored) // each knows it of all
			byName[one.Tenant] = sum
		}
	}
	all := slices.SortedFunc(maps.Values(byName), func(a, b wire.TenantInfo) int {
		return cmp.Or(cmp.Compare(b.Refused, a.Refused), cmp.Compare(a.Tenant, b.Tenant))
	})
	for i, one := range all {
		if i == maxTenants || one.Refused == 0 {
			return
		}
		stored := ""
		if one.Stored > 0 {
			stored = fmt.Sprintf(", it stores some %s", formatSize(int(one.Stored)))
		}
		fmt.Fprintf(t.err, "the tenant %s was refused what it may not have %d times; %d of its actors are awake, "+
			"%d calls wait%s: see --json\n", stripControls(one.Tenant), one.Refused, one.Awake, one.Waiting, stored)
	}
}

// askHosts asks all hosts for their counters, and sorts them by name.
func askHosts(ctx context.Context, conn connection, up map[string]store.HostEntry) []hostLine {
	hosts := make([]hostLine, 0, len(up))
	for _, entry := range up {
		hosts = append(hosts, hostLine{HostEntry: entry})
	}
	slices.SortFunc(hosts, func(a, b hostLine) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), a.Started.Compare(b.Started), cmp.Compare(a.ID, b.ID))
	})
	look.Each(hosts, func(host *hostLine) {
		var info wire.HostInfo
		if err := conn.ask(ctx, conn.namespace.Info(host.ID), &info); err != nil {
			host.Error, host.denied = err.Error(), errors.Is(err, troupe.ErrDenied)
		} else {
			host.Info = &info
		}
	})
	return hosts
}

func hostTable(t terminal, hosts []hostLine) string {
	w := newTable(t, "UP", "AWAKE", "CALLS", "FAILED", "REFUSED")
	w.AppendHeader(table.Row{"HOST", "TYPES", "UP", "AWAKE", "CALLS", "FAILED", "REFUSED"})
	now := time.Now()
	for _, host := range hosts {
		name := hostLabel(t, hostRef{ID: host.ID, Name: host.Name, Up: true}, shortID(host.ID))
		types := stripControls(strings.Join(host.Types, ", "))
		if isTerminal(t.out) { // it may have only 80 columns
			types = text.WrapSoft(types, typesWidth)
		}
		row := table.Row{name, types, formatDuration(now.Sub(host.Started))}
		if info := host.Info; host.denied {
			row = append(row, "denied", "-", "-", "-")
		} else if info == nil {
			row = append(row, paint(t.out, text.FgRed, "silent"), "-", "-", "-")
		} else {
			refused := sumOf(info.Own)
			row = append(row, info.Awake, info.Calls, info.Failed-refused, refused)
		}
		if host.Info != nil && host.Info.Stopping {
			row[0] = name + paint(t.out, text.FgYellow, " (stopping)")
		}
		w.AppendRow(row)
	}
	return w.Render()
}

func sumOf(byCode map[string]int64) (sum int64) {
	for _, n := range byCode {
		sum += n
	}
	return sum
}

// tellLong tells what has run for long on the hosts: the longest of each.
func tellLong(t terminal, hosts []hostLine) {
	for _, host := range hosts {
		if info := host.Info; info != nil && info.Oldest != nil && info.Oldest.For >= look.LongRun.Milliseconds() {
			name := hostLabel(t, hostRef{ID: host.ID, Name: host.Name, Up: true}, shortID(host.ID))
			fmt.Fprintf(t.err, "%s: %s\n", name, runText(info.Oldest))
		}
	}
}
