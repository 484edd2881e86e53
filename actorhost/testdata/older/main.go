// Command older runs ledgers. TestOlderVersion builds it with an earlier version of Troupe.
package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
)

type ledger struct{ troupe.Ref }

func (ledger) ActorType() string { return "ledger" }

var (
	enter = troupe.NewAction[ledger, string, troupe.None]("enter")
	read  = troupe.NewAction[ledger, troupe.None, []string]("read")
)

type ledgerState struct{ Lines []string }

// main runs a host on the server that is its argument, until its input ends.
func main() {
	if err := run(context.Background(), os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, url string) error {
	nc, err := bus.Connect(ctx, bus.Config{URL: url})
	if err != nil {
		return err
	}
	defer nc.Close()
	host, err := actorhost.Start(ctx, nc, actorhost.Config{}, actorhost.Define(func() ledgerState { return ledgerState{} },
		actorhost.On(enter, actorhost.NoOut(func(s *ledgerState, _ *actorhost.Context, line string) error {
			s.Lines = append(s.Lines, line)
			return nil
		})),
		actorhost.On(read, actorhost.NoIn(func(s *ledgerState, _ *actorhost.Context) ([]string, error) { return s.Lines, nil }))))
	if err != nil {
		return err
	}
	fmt.Println("older")
	_, _ = io.Copy(io.Discard, os.Stdin)
	return host.Stop(ctx)
}
