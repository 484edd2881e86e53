package stage

import (
	"context"
	"fmt"
	"strings"

	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

// Tour is what there is to try from another terminal.
type Tour struct {
	Calls    []Call
	Commands []string // others of the troupe command, such as "schedule ls"
	Watch    string   // the actor, and perhaps the event, to watch: "inventory main"
}

// Call is a call that works whatever was called before.
type Call struct {
	Type, Key, Action string // the key is one part of letters and digits
	Input             string // JSON, or empty for none
}

// Serves reports whether the program is run with --serve.
func (s *Stage) Serves() bool { return s.serve }

// Serve shows, when the program is run with --serve, how to reach its actors, and waits for ctx or for the host to end.
func (s *Stage) Serve(ctx context.Context, b *bus.Bus, ended <-chan struct{}, tour Tour) error {
	if !s.serve {
		return nil
	}
	s.Line("")
	s.Done("The actors are up. Ctrl-C ends them.")
	s.Line("")
	s.Line("NATS   %s", b.URL())
	if dir := b.DataDir(); dir != "" {
		s.Line("data   %s", dir)
	}
	s.Line("")
	s.Line("%s", s.Dim("From another terminal:"))
	for _, command := range s.commands(b, tour) {
		s.Line("  %s", command)
	}
	s.Line("")
	select {
	case <-ctx.Done():
		s.Line("Stopping.")
	case <-ended:
		s.Line("The host was drained.")
	}
	return nil
}

// commands are for a shell in the directory of the module.
func (s *Stage) commands(b *bus.Bus, tour Tour) []string {
	where := ""
	switch url := b.URL(); {
	case s.natsContext != "":
		where = "NATS_CONTEXT=" + quote(s.natsContext) + " "
	case url != bus.DefaultURL:
		where = "NATS_URL=" + quote(url) + " "
	}
	troupe := where + "go run ./cmd/troupe "
	var commands []string
	if tour.Watch != "" { // first, so that it shows what the calls do
		commands = append(commands, troupe+"watch "+tour.Watch)
	}
	for _, c := range tour.Calls {
		command := fmt.Sprintf("%scall %s %s %s", troupe, c.Type, c.Key, c.Action)
		if c.Input != "" {
			command += " " + quote(c.Input)
		}
		commands = append(commands, command)
	}
	for _, command := range tour.Commands {
		commands = append(commands, troupe+command)
	}
	commands = append(commands, troupe+"ls")
	if len(tour.Calls) > 0 {
		c := tour.Calls[0]
		commands = append(commands, fmt.Sprintf("%snats req %s.route.%s.%s.%s %s -H Content-Type:application/json",
			where, client.DefaultNamespace, c.Type, c.Key, c.Action, quote(c.Input)))
	}
	return commands
}

// quote writes a word as a shell takes it.
func quote(word string) string {
	plain := func(r rune) bool {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-_./:,@%+=", r)
	}
	if word != "" && strings.TrimFunc(word, plain) == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
