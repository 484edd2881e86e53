package main

import (
	"context"
	"fmt"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/examples/agent/watch"
	"github.com/troupe-go/troupe/examples/internal/stage"
)

const (
	sceneEvery   = 200 * time.Millisecond
	sceneTimeout = 30 * time.Second // it takes a second
)

var tour = stage.Tour{
	Calls: []stage.Call{
		{Type: "agent", Key: "me", Action: "follow", Input: `{"page":"weather","every":1000000000}`},
		{Type: "page", Key: "weather", Action: "edit", Input: `"sunny"`},
		{Type: "agent", Key: "me", Action: "look"},
	},
	Commands: []string{"info agent me"},
	Watch:    "agent me",
}

// scene has an agent look at a page while somebody edits it.
func scene(ctx context.Context, s *stage.Stage, c *client.Client) error {
	s.Title("An agent", "It looks at a page five times a second. The page tells nobody when it changes, and nobody calls the agent.")
	ctx, cancel := context.WithTimeout(ctx, sceneTimeout)
	defer cancel()
	agent, page := troupe.GetOrCreate[watch.Agent](c, "anna"), troupe.GetOrCreate[watch.Page](c, "weather")
	changed := make(chan watch.Report)
	sub, err := watch.Changed.Subscribe(ctx, agent, func(ctx context.Context, r watch.Report) error {
		select {
		case changed <- r:
		case <-ctx.Done():
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("listening to the agent: %w", err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	if _, err := watch.Follow.Call(ctx, agent, watch.Task{Page: "weather", Every: sceneEvery}); err != nil {
		return fmt.Errorf("giving the agent its task: %w", err)
	}
	for _, word := range []string{"sunny", "cloudy", "rain"} {
		text := fmt.Sprintf("%s at %s", word, time.Now().Format("15:04:05.000")) // another one than in the run before
		if _, err := watch.Edit.Call(ctx, page, text); err != nil {
			return fmt.Errorf("editing the page: %w", err)
		}
		s.Line("the page says:      %s", text)
		for seen := (watch.Report{}); seen.Text != text; {
			select {
			case seen = <-changed:
			case <-ctx.Done():
				return fmt.Errorf("the agent has not seen %q: %w", text, ctx.Err())
			}
		}
		s.Done("the agent has seen: %s", text)
	}
	return nil
}
