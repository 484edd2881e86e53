package main

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/alecthomas/kong"

	"github.com/troupe-go/troupe/internal/wire"
)

const description = `Call actors on a NATS bus, and manage them and their hosts.

Examples:
  troupe up
  troupe call inventory main reserveStock 5
  troupe call chatRoom org1/lobby send '{"from":"ann","text":"hello"}'
  troupe call inventory main restock - < delivery.json
  troupe watch inventory main lowStock --json | jq .payload
  troupe info inventory main
  troupe hosts`

// notes follow the help that kong generates.
const notes = `
A KEY is the parts of an actor's key, separated by slashes: org1/lobby. The key
without parts is "", an empty part is a lone =, and =XX is a byte in hexadecimal
(=2F for a slash within a part). Keys are printed as they can be typed. Write --
before arguments that begin with a hyphen, except numbers.

The server is NATS_URL, or 127.0.0.1:4222, where troupe up and the examples with
--serve listen. --context or NATS_CONTEXT selects a context of the nats command;
the other NATS_ variables mean what they mean to that command. Flags override
all of them.

` + exitHelp + "\n"

// grammar is the grammar of the command line.
type grammar struct {
	Call   callCommand   `cmd:"" group:"actors" help:"Call an action of an actor: JSON in, JSON out."`
	Stream streamCommand `cmd:"" group:"actors" help:"Print what an actor yields in a stream: JSON in, lines of JSON out."`
	Watch  watchCommand  `cmd:"" group:"actors" help:"Print the events of an actor as they arrive."`
	Ls     lsCommand     `cmd:"" group:"actors" help:"List the actors that have a record."`
	Info   infoCommand   `cmd:"" group:"actors" help:"Show an actor and its host."`
	Sleep  sleepCommand  `cmd:"" group:"actors" help:"Put an actor to sleep."`
	Move   moveCommand   `cmd:"" group:"actors" help:"Move an actor to a host."`
	Rm     rmCommand     `cmd:"" group:"actors" help:"Destroy an actor."`

	State stateCommand `cmd:"" group:"state" help:"Show or repair the stored state of an actor."`

	Schedule scheduleCommand `cmd:"" group:"schedules" help:"Show and change what actors have scheduled."`

	Workflow workflowCommand `cmd:"" group:"workflows" help:"Show and steer the workflows of actors."`

	Queue queueCommand `cmd:"" group:"queues" help:"Show and change what waits in queues of actors."`

	Hosts   hostsCommand   `cmd:"" group:"hosts" help:"List the hosts that are up, and their load."`
	Top     topCommand     `cmd:"" group:"hosts" help:"Show what runs, how often, and how long it takes."`
	Balance balanceCommand `cmd:"" group:"hosts" help:"Move actors from full hosts to emptier ones."`
	Drain   drainCommand   `cmd:"" group:"hosts" help:"Stop a host cleanly, and release its actors."`

	Types  typesCommand  `cmd:"" group:"types" help:"List the actor types, or show what actors of one take and give."`
	Schema schemaCommand `cmd:"" group:"types" help:"Print the contract of an actor type, also for TypeScript."`

	Inspect inspectCommand `cmd:"" group:"tools" help:"Serve web pages that show what hosts and actors do."`
	Gateway gatewayCommand `cmd:"" group:"tools" help:"Let programs without a NATS client call actors, by HTTP."`
	MCP     mcpCommand     `cmd:"" name:"mcp" group:"tools" help:"Give a language model tools to look at actors, by MCP."`

	Check  checkCommand  `cmd:"" group:"tools" help:"Say in one line whether all is well, for monitoring."`
	Stuck  stuckCommand  `cmd:"" group:"tools" help:"List what does not go on by itself, and why."`
	Doctor doctorCommand `cmd:"" group:"tools" help:"Find out whether what is stored fits together, and repair it."`

	Up    upCommand    `cmd:"" group:"tools" help:"Run a NATS server with JetStream, for development."`
	Bench benchCommand `cmd:"" group:"tools" help:"Measure calls of an action against plain NATS requests."`

	Completion completionCommand `cmd:"" group:"tools" help:"Print a script for shell completion."`
	Complete   completeCommand   `cmd:"" name:"__complete" hidden:""`

	globals
}

// verb is a command whose arguments are parsed.
type verb interface {
	run(ctx context.Context, e env) error
}

// run is the program. It returns the exit code.
func run(ctx context.Context, args []string, t terminal) int {
	var cli grammar
	command, exited, err := parse(&cli, args, t)
	if exited { // after --help and --version
		return exitOK
	}
	var e env
	parsed := err == nil
	if parsed {
		e, err = cli.env(t)
	}
	if err == nil {
		err = command.run(ctx, e)
	}
	asJSON := cli.JSON || !parsed && (slices.Contains(args, "--json") || slices.Contains(args, "-j"))
	_, checks := command.(*checkCommand)
	switch {
	case err == nil:
		return exitOK
	case checks:
		return reportCheck(t, asJSON, err)
	}
	return reportError(ctx, t, asJSON, err)
}

// parse parses the command line into cli. If exited is true, kong has printed what was asked for. With an error, command is the one that
// was meant, if that is known.
func parse(cli *grammar, args []string, t terminal) (command verb, exited bool, err error) {
	parser, err := kong.New(cli, append(valueMappers(),
		kong.Name("troupe"),
		kong.Description(description),
		kong.Vars{"version": programVersion(), "namespace": wire.DefaultNamespace,
			"timeout": defaultTimeout.String(), "listen": defaultListen},
		kong.Groups{
			"actors": "Actors:", "state": "Stored state:", "schedules": "Schedules:", "workflows": "Workflows:", "queues": "Queues:",
			"hosts": "Hosts:", "types": "Types:", "tools": "Tools:",
			"common": "Common flags:", "connection": "Connection:",
		},
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoAppDescFormat: true, FlagsLast: true, WrapUpperBound: 100}),
		kong.Help(printHelp),
		kong.Writers(t.out, t.err),
		kong.Exit(func(int) { exited = true }),
	)...)
	if err != nil {
		return nil, false, fmt.Errorf("reading the command line: %w", err)
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(markNegatives(args))
	if exited {
		return nil, true, nil
	}
	if wrong, ok := errors.AsType[*kong.ParseError](err); ok {
		path := "troupe"
		if node := wrong.Context.Selected(); node != nil {
			path = node.FullPath()
			command, _ = reflect.TypeAssert[verb](node.Target.Addr())
		}
		return command, false, usageError{fmt.Errorf("%s (see: %s --help)", withoutMarks(wrong.Error()), path)}
	}
	if err != nil {
		return nil, false, usageError{err}
	}
	command, ok := reflect.TypeAssert[verb](parsed.Selected().Target.Addr())
	if !ok {
		return nil, false, fmt.Errorf("%s is a verb without a run", parsed.Command())
	}
	if c, ok := command.(*completeCommand); ok {
		c.model, c.envOf = parser.Model, envOfFlags
	}
	return command, false, nil
}

// envOfFlags is what a verb gets with these flags.
func envOfFlags(flags []string, t terminal) (env, error) {
	var cli grammar
	if _, _, err := parse(&cli, append([]string{"ls"}, flags...), t); err != nil {
		return env{}, err
	}
	return cli.env(t)
}

func printHelp(options kong.HelpOptions, ctx *kong.Context) error {
	err := kong.DefaultHelpPrinter(options, ctx)
	if err == nil && ctx.Selected() == nil {
		_, err = fmt.Fprint(ctx.Stdout, notes)
	}
	return err
}
