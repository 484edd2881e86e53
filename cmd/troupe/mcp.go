package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"os/user"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/mcptools"
)

// mcpCommand is the verb mcp.
type mcpCommand struct {
	Write bool     `help:"Let the model call actions: each is a tool."`
	Type  []string `placeholder:"TYPE" help:"With --write, only actions of this type; can be repeated."`
}

// Help is shown by troupe mcp --help.
func (*mcpCommand) Help() string {
	return `It is a server of the Model Context Protocol, which programs with a language model start and speak with over stdin and ` +
		`stdout. Its tools list types, actors, what runs, what has failed and what is stuck, and show one actor with its state and ` +
		`its workflow. They see what the user of the connection may see, and change nothing without --write.

  {"mcpServers": {"troupe": {"command": "troupe", "args": ["mcp"]}}}

With --write there is a tool for each action, with what the action takes. A call that changes its actor, and is repeated with the same ` +
		`arguments within 15 minutes, runs once, whoever starts the server anew: its request id is made from what is asked for, ` +
		`the user and the machine. An argument request_id makes it another call.`
}

func (c *mcpCommand) run(ctx context.Context, e env) error {
	if len(c.Type) > 0 && !c.Write {
		return usageError{errors.New("--type goes with --write")}
	}
	return e.withConnection(ctx, func(ctx context.Context, conn connection) error {
		config := mcptools.Config{Namespace: e.namespace, Version: programVersion(), Timeout: e.timeout, Who: who(), Types: c.Type}
		if c.Write {
			cl, err := conn.newClient()
			if err != nil {
				return err
			}
			defer func() { _ = cl.Close(context.WithoutCancel(ctx)) }() // its calls are over
			config.Caller = troupe.Caller(cl)
		}
		err := mcptools.New(conn.nc, config).Run(ctx, &mcp.IOTransport{Reader: io.NopCloser(e.in), Writer: nopCloser{e.out}})
		if ctx.Err() != nil || errors.Is(err, io.EOF) {
			return nil
		}
		return err
	})
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

// who is the user, of this machine.
func who() string {
	host, _ := os.Hostname() // it need not have a name
	name := cmp.Or(os.Getenv("USER"), os.Getenv("USERNAME"))
	if me, err := user.Current(); err == nil {
		name = me.Username
	}
	return name + "@" + host
}
