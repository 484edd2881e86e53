package main

import (
	"fmt"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/examples/agent/watch"
)

// actors are what a host runs. The compiler checks that every handler fits its action, and the loop its actor.
var actors = []actorhost.Definition{
	actorhost.Define(func() pageState { return pageState{} },
		actorhost.On(watch.Edit, actorhost.NoOut((*pageState).edit)),
		actorhost.On(watch.Read, actorhost.NoIn((*pageState).read))),
	actorhost.Define(func() agentState { return agentState{} },
		actorhost.On(watch.Follow, actorhost.NoOut((*agentState).follow)),
		actorhost.On(watch.Look, actorhost.NoIn((*agentState).look))).
		Loop(poll).
		Broadcasts(watch.Changed),
}

type pageState struct {
	Text string `json:"text"`
}

func (s *pageState) edit(_ *actorhost.Context, text string) error     { s.Text = text; return nil }
func (s *pageState) read(*actorhost.Context) (text string, err error) { return s.Text, nil }

// agentState is what an agent has to do, and what it has seen.
type agentState struct {
	Task   watch.Task   `json:"task"`
	Report watch.Report `json:"report"`
}

// defaultEvery is how often an agent looks, if it is not told.
const defaultEvery = time.Second

func (s *agentState) follow(_ *actorhost.Context, task watch.Task) error {
	s.Task = task
	return nil
}

func (s *agentState) look(*actorhost.Context) (watch.Report, error) { return s.Report, nil }

// poll is the run loop of an agent. It is on the host that has the agent, for as long as that is awake, and comes back on another
// one when the host stops or dies. When it fails, it is run again.
func poll(l *actorhost.Loop[agentState]) error {
	for {
		var task watch.Task
		if err := l.Turn(func(s *agentState, _ *actorhost.Context) error { task = s.Task; return nil }); err != nil {
			return err
		}
		if task.Every <= 0 {
			task.Every = defaultEvery
		}
		if !l.Pause(task.Every) { // the agent falls asleep, or moves
			return nil
		}
		if task.Page == "" {
			continue
		}
		// This takes a while, and what is called may call the agent: it is not in a turn.
		text, err := watch.Read.Call(l, troupe.GetOrCreate[watch.Page](l, task.Page), nil)
		if err != nil {
			return fmt.Errorf("reading the page %s: %w", task.Page, err)
		}
		if err := l.Turn(func(s *agentState, c *actorhost.Context) error { return s.note(c, task, text) }); err != nil {
			return err
		}
	}
}

// note takes what the agent has seen, unless it has another task by now.
func (s *agentState) note(c *actorhost.Context, task watch.Task, text string) error {
	if s.Task.Page != task.Page {
		return nil
	}
	if s.Report.Page != task.Page {
		s.Report = watch.Report{Page: task.Page}
	}
	s.Report.Polls++
	if text == s.Report.Text {
		return nil
	}
	s.Report.Text = text
	s.Report.Changes++
	return watch.Changed.Broadcast(c, s.Report)
}
