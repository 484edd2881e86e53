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
func scene(ctx context.Context, s *stage.Stage, c *client.Client) (ended error) {
	s.Title("Chat", "Two programs are connected with one actor. With --serve there is a page for browsers, too.")
	heard := make(chan string, 64)
	var guests []*troupe.Connection[room.Room]
	for _, name := range []string{"Ann", "Ben"} {
		var options []troupe.ConnectOption
		if len(guests) == 0 { // Ann is the one who tells
			options = []troupe.ConnectOption{
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
		guest, err := room.Enter.Connect(ctx, troupe.GetOrCreate[room.Room](c, "scene"), room.Guest{Name: name}, options...)
		if err != nil {
			return fmt.Errorf("%s comes in: %w", name, err)
		}
		guests = append(guests, guest)
		defer func() { ended = errors.Join(ended, end(ctx, guest.Close)) }()
	}
	for i, text := range []string{"Hello, Ben.", "Hello, Ann. Let us roll.", "@dice for you and me"} {
		if _, err := room.Say.Call(ctx, guests[i%2].Actor(), text); err != nil {
			return fmt.Errorf("saying %q: %w", text, err)
		}
	}
	if _, err := room.Say.Call(ctx, guests[1].Actor(), "@oracle who wins?"); !errors.Is(err, room.ErrNoBot) {
		return fmt.Errorf("asking a bot that is not there: %w", err)
	}
	if err := guests[1].Close(ctx); err != nil {
		return fmt.Errorf("ben leaves: %w", err)
	}
	if err := show(ctx, s, heard, "here: Ann"); err != nil {
		return err
	}
	view, err := room.Look.Call(ctx, guests[0].Actor(), nil)
	if err != nil {
		return fmt.Errorf("looking around: %w", err)
	}
	s.Line("")
	s.Line("The room knows %d messages by now. Nobody asked the oracle: a question that fails was never said.", view.Count)
	return nil
}

// show prints what was heard, until this comes.
func show(ctx context.Context, s *stage.Stage, heard <-chan string, last string) error {
	ctx, cancel := context.WithTimeout(ctx, hearTimeout)
	defer cancel()
	for {
		select {
		case line := <-heard:
			if who, names, ok := strings.Cut(line, "here: "); ok && who == "" {
				s.Line("%s", s.Dim("  in the room: "+names))
			} else {
				s.Done("%s", line)
			}
			if line == last {
				return nil
			}
		case <-ctx.Done():
			return fmt.Errorf("waiting for %q: %w", last, ctx.Err())
		}
	}
}
