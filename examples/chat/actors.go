package main

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/examples/chat/room"
)

const (
	keptMessages = 100 // a record is written whole, so it should not grow for ever
	longestName  = 24
	longestText  = 1000
	nobody       = "somebody outside" // who calls without having come in
)

// actors are what a host of the chat runs. The rooms find their bots over nc.
func actors(nc *nats.Conn) []actorhost.Definition {
	return []actorhost.Definition{
		actorhost.Define(func() roomState { return roomState{bots: bots{nc}} },
			actorhost.OnConnect(room.Enter, (*roomState).enter),
			actorhost.On(room.Say, (*roomState).say),
			actorhost.On(room.Look, actorhost.NoIn((*roomState).look)),
			actorhost.OnStream(room.Recap, recap)).
			OnDisconnect((*roomState).leave).
			Broadcasts(room.Welcome, room.Said, room.Present),
	}
}

// roomState is what a room remembers. Who is there is no part of it: that is told by the connections.
type roomState struct {
	Messages []room.Message `json:"messages"`
	Count    int            `json:"count"`

	bots bots
}

// enter also runs for a guest who comes back because the host of the room had died.
func (s *roomState) enter(c *actorhost.Context, conn *actorhost.Connection, guest room.Guest) error {
	name := strings.TrimSpace(guest.Name)
	if name == "" || utf8.RuneCountInString(name) > longestName {
		return room.ErrBadName
	}
	conn.SetState(name)
	view, err := s.look(c)
	if err != nil {
		return err
	}
	if err := room.Welcome.Send(c, conn, view); err != nil {
		return err
	}
	return room.Present.BroadcastExcept(c, conn, view.Present)
}

func (s *roomState) leave(c *actorhost.Context, _ *actorhost.Connection) error {
	return room.Present.Broadcast(c, present(c))
}

func (s *roomState) say(c *actorhost.Context, text string) (room.Message, error) {
	text = strings.TrimSpace(text)
	if text == "" || utf8.RuneCountInString(text) > longestText {
		return room.Message{}, room.ErrBadText
	}
	from := nobody
	if conn, ok := c.Connection(); ok {
		from = nameOf(conn)
	}
	message, err := s.add(c, room.Message{From: from, Text: text})
	if err != nil {
		return room.Message{}, err
	}
	if bot, question, ok := strings.Cut(text, " "); ok && strings.HasPrefix(bot, "@") {
		answer, err := s.bots.ask(c, bot[1:], question)
		if err != nil {
			return room.Message{}, err // and the question was never asked
		}
		if _, err := s.add(c, room.Message{From: bot[1:], Text: answer, Bot: true}); err != nil {
			return room.Message{}, err
		}
	}
	return message, nil
}

// add numbers a message, keeps it and tells everybody.
func (s *roomState) add(c *actorhost.Context, m room.Message) (room.Message, error) {
	s.Count++
	m.Number, m.At = s.Count, time.Now().UTC()
	s.Messages = append(s.Messages, m)
	s.Messages = s.Messages[max(0, len(s.Messages)-keptMessages):]
	return m, room.Said.Broadcast(c, m)
}

func (s *roomState) look(c *actorhost.Context) (room.View, error) {
	return room.View{Messages: s.Messages, Count: s.Count, Present: present(c)}, nil
}

func present(c *actorhost.Context) []string {
	names := make([]string, 0, len(c.Connections()))
	for _, conn := range c.Connections() {
		if name := nameOf(conn); name != "" {
			names = append(names, name)
		}
	}
	return names
}

func nameOf(conn *actorhost.Connection) string {
	name, _ := actorhost.ConnectionState[string](conn)
	return name
}
