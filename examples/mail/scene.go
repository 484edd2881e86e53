package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/examples/internal/stage"
	"github.com/troupe-go/troupe/examples/mail/office"
)

const sceneTimeout = 60 * time.Second // it takes 3 s

var tour = stage.Tour{
	Calls: []stage.Call{
		{Type: "shop", Key: "main", Action: "order", Input: `{"customer":"zoe@example.com","pieces":1}`},
	},
	Commands: []string{`queue push mailer main send '{"to":"zoe@example.com","text":"hello"}'`, "queue ls", "queue dead mailer main send"},
	Watch:    "mailer main sent",
}

// scene has letters sent, one of which fails at first, and one that has no address.
func scene(ctx context.Context, s *stage.Stage, c *client.Client) (err error) {
	s.Title("A queue with dead letters", "Nobody waits for a letter to be sent. It is sent once, tried again, or kept as a dead letter.")
	s.Expect("an action failed") // the scene tells
	s.Expect("a message of a queue failed and is tried again")
	s.Expect("a message of a queue was given up: troupe queue retry has it handled again")
	ctx, cancel := context.WithTimeout(ctx, sceneTimeout)
	defer cancel()
	mailer, shop := troupe.GetOrCreate[office.Mailer](c, mainKey), troupe.GetOrCreate[office.Shop](c, mainKey)
	if _, err := office.Repair.Call(ctx, mailer, ""); err != nil {
		return fmt.Errorf("preparing the mailer: %w", err)
	}
	sent := make(chan office.Delivery, 64)
	sub, err := office.Sent.Subscribe(ctx, mailer, func(_ context.Context, d office.Delivery) error { sent <- d; return nil })
	if err != nil {
		return fmt.Errorf("listening to the mailer: %w", err)
	}
	defer func() { err = errors.Join(err, sub.Unsubscribe()) }()
	if err := order(ctx, s, shop, sent); err != nil {
		return err
	}
	if err := push(ctx, s, mailer, sent); err != nil {
		return err
	}
	return revive(ctx, s, mailer, sent)
}

// order has a shop push letters in its turns.
func order(ctx context.Context, s *stage.Stage, shop office.Shop, sent <-chan office.Delivery) error {
	number, err := office.Order.Call(ctx, shop, office.Purchase{Customer: "anna@example.com", Pieces: 2})
	if err != nil {
		return fmt.Errorf("ordering: %w", err)
	}
	s.Done("order %d is taken, and its letter left with it", number)
	_, err = office.Order.Call(ctx, shop, office.Purchase{Customer: "ben@example.com"})
	if !errors.Is(err, office.ErrEmpty) {
		return fmt.Errorf("an order of nothing: %w", err)
	}
	s.Refused("an order of nothing: %v, and no letter", err)
	return show(ctx, s, sent)
}

// push pushes letters from a program.
func push(ctx context.Context, s *stage.Stage, mailer office.Mailer, sent <-chan office.Delivery) error {
	for range 3 {
		letter := office.Letter{To: "carla@example.com", Text: urgent}
		if err := office.Send.Push(ctx, mailer, letter, troupe.PushID("urgent-"+time.Now().Format(time.DateTime))); err != nil {
			return fmt.Errorf("pushing a letter: %w", err)
		}
	}
	s.Line("")
	s.Done("an urgent letter is pushed three times with the same id")
	return show(ctx, s, sent)
}

// revive has a letter fail, and be handled again.
func revive(ctx context.Context, s *stage.Stage, mailer office.Mailer, sent <-chan office.Delivery) error {
	if err := office.Send.Push(ctx, mailer, office.Letter{Text: "Where do you live?"}); err != nil {
		return fmt.Errorf("pushing a letter: %w", err)
	}
	letter, err := firstDead(ctx, mailer)
	if err != nil {
		return err
	}
	s.Line("")
	s.Refused("%q is a dead letter: %s", letter.Message.Text, letter.Error)
	if _, err := office.Repair.Call(ctx, mailer, "lost@example.com"); err != nil {
		return fmt.Errorf("repairing the mailer: %w", err)
	}
	if _, err := office.Send.Retry(ctx, mailer, letter.ID); err != nil {
		return fmt.Errorf("retrying a letter: %w", err)
	}
	s.Done("it is handled again, now that the mailer knows where to send it")
	return show(ctx, s, sent)
}

// firstDead waits for a dead letter.
func firstDead(ctx context.Context, mailer office.Mailer) (troupe.DeadLetter[office.Letter], error) {
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		for letter, err := range office.Send.Dead(ctx, mailer) {
			if err != nil {
				return letter, fmt.Errorf("reading dead letters: %w", err)
			}
			return letter, nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return troupe.DeadLetter[office.Letter]{}, ctx.Err()
		}
	}
}

// show waits for a letter, and shows it.
func show(ctx context.Context, s *stage.Stage, sent <-chan office.Delivery) error {
	select {
	case d := <-sent:
		s.Line("  to %s: %s  %s", s.Bold(d.Letter.To), d.Letter.Text, s.Dim(fmt.Sprintf("attempt %d, letter %d", d.Attempt, d.Sent)))
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
