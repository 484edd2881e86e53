package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/examples/chat/room"
	"github.com/troupe-go/troupe/examples/internal/stage"
)

// hearTimeout bounds the wait for what is said in the scene, which is heard in milliseconds.
const hearTimeout = 10 * time.Second

var tour = stage.Tour{
	Calls: []stage.Call{
		{Type: "chatRoom", Key: "lobby", Action: "say", Input: `"hello from the shell"`},
		{Type: "chatRoom", Key: "lobby", Action: "say", Input: `"@dice one two"`},
		{Type: "chatRoom", Key: "lobby", Action: "look"},
	},
	Watch: "chatRoom lobby said",
}

// scene has two guests meet in a room and ask its bot.
func scene(ctx context.Context, s *stage.Stage, c *client.Client) (err error) {
	s.Title("Chat", "Two guests are connected with one actor, a room. With --serve there is a page for browsers, too.")
	lobby := troupe.GetOrCreate[room.Room](c, "scene")
	heard := make(chan string, 64)
	ann, err := room.Enter.Connect(ctx, lobby, room.Guest{Name: "Ann"}, hear(heard)...)
	if err != nil {
		return fmt.Errorf("ann comes in: %w", err)
	}
	defer func() { err = errors.Join(err, end(ctx, ann.Close)) }()
	ben, err := room.Enter.Connect(ctx, lobby, room.Guest{Name: "Ben"})
	if err != nil {
		return fmt.Errorf("ben comes in: %w", err)
	}
	defer func() { err = errors.Join(err, end(ctx, ben.Close)) }()

	for _, line := range []struct {
		guest *troupe.Connection[room.Room]
		text  string
	}{{ann, "Hello, Ben."}, {ben, "Hello, Ann. Let us roll."}, {ann, "@dice yours mine"}} {
		if _, err := room.Say.Call(ctx, line.guest.Actor(), line.text); err != nil {
			return fmt.Errorf("saying %q: %w", line.text, err)
		}
	}
	if err := show(ctx, s, heard, "dice: "); err != nil {
		return err
	}
	const question = "@oracle who wins?"
	_, err = room.Say.Call(ctx, ben.Actor(), question)
	if !errors.Is(err, room.ErrNoBot) {
		return fmt.Errorf("asking a bot that is not there: %w", err)
	}
	s.Refused("Ben: %s   %s: %s", question, room.ErrNoBot.Code, room.ErrNoBot.Message)
	if err := ben.Close(ctx); err != nil {
		return fmt.Errorf("ben leaves: %w", err)
	}
	if err := show(ctx, s, heard, "here: Ann"); err != nil {
		return err
	}
	if err := listen(ctx, s, ann.Actor()); err != nil {
		return err
	}
	view, err := room.Look.Call(ctx, ann.Actor(), nil)
	if err != nil {
		return fmt.Errorf("looking around: %w", err)
	}
	s.Line("")
	s.Line("The room knows %d messages by now. What was refused is not among them, and nobody has heard it.", view.Count)
	return nil
}

// listen has the room read out what was said, and leaves when it has heard enough.
func listen(ctx context.Context, s *stage.Stage, r room.Room) error {
	var words []string
	for word, err := range room.Recap.Call(ctx, r, nil) {
		if err != nil {
			return fmt.Errorf("listening to what was said: %w", err)
		}
		if words = append(words, word); len(words) == enough {
			break
		}
	}
	s.Line("%s", s.Dim("  read out, word by word: "+strings.Join(words, " ")+" ..."))
	return nil
}

// enough words were heard.
const enough = 8

// hear sends on what a guest hears.
func hear(heard chan<- string) []troupe.ConnectOption {
	return []troupe.ConnectOption{
		room.Said.On(func(_ context.Context, m room.Message) error {
			heard <- m.From + ": " + m.Text
			return nil
		}),
		room.Present.On(func(_ context.Context, names []string) error {
			heard <- "here: " + strings.Join(names, ", ")
			return nil
		}),
	}
}

// show prints what is heard, until a line begins like this one.
func show(ctx context.Context, s *stage.Stage, heard <-chan string, last string) error {
	ctx, cancel := context.WithTimeout(ctx, hearTimeout)
	defer cancel()
	for {
		select {
		case line := <-heard:
			if names, ok := strings.CutPrefix(line, "here: "); ok {
				s.Line("%s", s.Dim("  in the room: "+names))
			} else {
				s.Done("%s", line)
			}
			if strings.HasPrefix(line, last) {
				return nil
			}
		case <-ctx.Done():
			return fmt.Errorf("waiting for %q: %w", last, ctx.Err())
		}
	}
}
