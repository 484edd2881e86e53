package mcptools

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/look"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/wire"
)

// seer has the tools that change nothing.
type seer struct {
	looker    *look.Looker
	namespace wire.Namespace
	timeout   time.Duration
}

type nothing struct{}

type ofType struct {
	Type string `json:"type" jsonschema:"the actor type"`
}

type maybeOfType struct {
	Type string `json:"type,omitempty" jsonschema:"only of this actor type"`
}

type listing struct {
	Type  string `json:"type" jsonschema:"the actor type"`
	Limit int    `json:"limit,omitempty" jsonschema:"how many actors, 100 by default, at most 1000"`
}

type ofActor struct {
	Type string `json:"type" jsonschema:"the actor type"`
	Key  string `json:"key" jsonschema:"the key of the actor, such as org1/lobby"`
}

func (a ofActor) id() (troupe.ID, error) {
	key, err := look.ParseKey(a.Key)
	if err != nil {
		return troupe.ID{}, err
	}
	return troupe.NewID(a.Type, key...)
}

// add adds a tool that changes nothing.
func add[In any](server *mcp.Server, name, description string, look func(ctx context.Context, in In) (any, error)) {
	mcp.AddTool(server, &mcp.Tool{Name: name, Description: description, Annotations: &mcp.ToolAnnotations{ReadOnlyHint: true}},
		func(ctx context.Context, _ *mcp.CallToolRequest, in In) (*mcp.CallToolResult, any, error) {
			out, err := look(ctx, in)
			return nil, out, err
		})
}

func (s *seer) addTo(server *mcp.Server) {
	add(server, "list_types", "Lists the actor types that are up, with the hosts that run them and how many actors are awake.", s.types)
	add(server, "show_type", "Shows what the actions, queues and events of an actor type take and give, as JSON Schemas.", s.contract)
	add(server, "list_actors", "Lists actors of a type that are stored, with their workflows. It reads no states.", s.actors)
	add(server, "show_actor",
		"Shows what is stored of an actor (its state, schedules and workflow) and what it does at the moment. It is not woken.",
		s.actor)
	add(server, "show_workflow",
		"Shows the workflow of an actor: its input, each step with its result and times, and what it waits for.", s.workflow)
	add(server, "list_running", "Lists what has run for a second or longer, the longest first.", s.running)
	add(server, "list_failures",
		"Lists the last turns of actors that have failed, that were slow, and that actors refused on purpose.", s.failures)
	add(server, "list_stuck",
		"Lists what does not go on by itself, and why: schedules that were given up, workflows that are stuck or fail, "+
			"queues with dead letters. It reads all records.", s.stuck)
}

type typeLine struct {
	Type  string `json:"type"`
	Hosts int    `json:"hosts"`
	Awake int    `json:"awake"`
}

func (s *seer) types(ctx context.Context, _ nothing) (any, error) {
	hosts, err := s.looker.Hosts(ctx, 0)
	if err != nil {
		return nil, err
	}
	lines := []typeLine{}
	for _, name := range look.TypesOf(hosts) {
		line := typeLine{Type: name}
		for i := range hosts {
			if hosts[i].MayRun(name) {
				line.Hosts++
			}
			line.Awake += hosts[i].Figures.Types[name]
		}
		lines = append(lines, line)
	}
	return map[string]any{"types": lines}, nil
}

func (s *seer) contract(ctx context.Context, of ofType) (any, error) {
	hosts, err := s.looker.Up(ctx)
	if err != nil {
		return nil, err
	}
	found, err := s.looker.Contract(ctx, hosts, of.Type)
	if err == nil && found == nil {
		err = fmt.Errorf("no host that is up serves the actor type %q", of.Type)
	}
	return found, err
}

type actorLine struct {
	Key      string                `json:"key"`
	State    int                   `json:"state_bytes"`
	Modified time.Time             `json:"modified"`
	Workflow troupe.WorkflowStatus `json:"workflow,omitempty"`
	Error    string                `json:"error,omitempty"` // why the record cannot be decoded
}

// How many actors are listed.
const someActors, mostActors = 100, 1000

func (s *seer) actors(ctx context.Context, l listing) (any, error) {
	if err := troupe.CheckName("actor type", l.Type); err != nil {
		return nil, err
	}
	if l.Limit <= 0 {
		l.Limit = someActors
	}
	l.Limit = min(l.Limit, mostActors)
	lines, more := []actorLine{}, false
	records, err := s.looker.Records(ctx)
	if err != nil || records == nil {
		return map[string]any{"actors": lines}, err
	}
	defer func() { _ = records.Close() }() // no write is in flight
	for one, err := range records.List(ctx, l.Type) {
		if err != nil && !errors.Is(err, record.ErrCorrupt) {
			return nil, err
		}
		if more = len(lines) == l.Limit; more {
			break
		}
		line := actorLine{Key: look.KeyText(one.ID), State: len(one.State), Modified: one.Modified}
		parts, err := one.Open()
		if err != nil {
			line.Error = err.Error()
		} else if stored := parts.Workflow(); stored != nil && stored.Name != "" {
			line.Workflow = stored.Status()
		}
		lines = append(lines, line)
	}
	return map[string]any{"actors": lines, "more": more}, nil
}

// mostTurns is how many turns of a kind are listed.
const mostTurns = 100

func (s *seer) running(ctx context.Context, _ nothing) (any, error) {
	hosts, err := s.looker.Hosts(ctx, mostTurns)
	if err != nil {
		return nil, err
	}
	all := look.Together(hosts, mostTurns)
	for i := range all.Running { // as the other tools have it
		all.Running[i].Actor = look.TokensText(all.Running[i].Actor)
	}
	return map[string]any{"running": all.Running, "more": all.More, "hosts": all.Hosts, "silent_hosts": all.Silent}, nil
}

func (s *seer) failures(ctx context.Context, _ nothing) (any, error) {
	hosts, err := s.looker.Up(ctx)
	if err != nil {
		return nil, err
	}
	s.looker.Recent(ctx, hosts)
	all := wire.HostRecent{Failed: []wire.RecentTurn{}, Own: []wire.RecentTurn{}, Slow: []wire.RecentTurn{}}
	silent := 0
	for i := range hosts {
		if hosts[i].Err != nil {
			silent++
		}
		all.Failed = append(all.Failed, hosts[i].Recent.Failed...)
		all.Own = append(all.Own, hosts[i].Recent.Own...)
		all.Slow = append(all.Slow, hosts[i].Recent.Slow...)
	}
	return map[string]any{
		"failed": newest(all.Failed), "refused_by_actors": newest(all.Own), "slow": newest(all.Slow), "silent_hosts": silent,
	}, nil
}

func (s *seer) stuck(ctx context.Context, of maybeOfType) (any, error) {
	all, damaged, err := s.looker.Stuck(ctx, of.Type)
	if err != nil {
		return nil, err
	}
	shown := append([]look.Stuck{}, all[:min(len(all), mostTurns)]...)
	return map[string]any{"stuck": shown, "more": len(all) - len(shown), "damaged_records": damaged}, nil
}
