package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/examples/chat/room"
)

// botSubjects is what bots listen to: each to botSubjects and its name. A bot is any program on the bus that answers
// plain NATS requests, of text with text: `nats reply chat.bot.echo` makes one.
const botSubjects = "chat.bot."

// botTimeout is how long a bot may think. Its room waits for it: an actor does one thing at a time.
const botTimeout = 2 * time.Second

// bots are the programs that answer questions.
type bots struct{ nc *nats.Conn }

// ask puts a question to a bot. ctx is that of an action, and ends with it.
func (b bots) ask(ctx context.Context, bot, question string) (string, error) {
	if err := troupe.CheckName("bot", bot); err != nil {
		return "", room.ErrNoBot.With("bot", bot)
	}
	ctx, cancel := context.WithTimeout(ctx, botTimeout)
	defer cancel()
	answer, err := b.nc.RequestWithContext(ctx, botSubjects+bot, []byte(question))
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		return "", room.ErrNoBot.With("bot", bot)
	case err != nil:
		return "", fmt.Errorf("asking the bot %s: %w", bot, err)
	case !utf8.Valid(answer.Data), len(answer.Data) > longestText:
		return "", fmt.Errorf("the bot %s has answered %d bytes that are no message", bot, len(answer.Data))
	}
	return string(answer.Data), nil
}

// startDice starts the bot of this program: it rolls as many dice as the question has words.
func startDice(nc *nats.Conn) error {
	_, err := nc.QueueSubscribe(botSubjects+"dice", "dice", func(question *nats.Msg) {
		const most = 10
		var rolled []string
		for range min(len(strings.Fields(string(question.Data))), most) {
			rolled = append(rolled, fmt.Sprint(1+rand.IntN(6)))
		}
		_ = question.Respond([]byte("rolled " + strings.Join(rolled, ", "))) // without a connection nobody waits for it
	})
	if err != nil {
		return fmt.Errorf("starting the bot: %w", err)
	}
	return nil
}
