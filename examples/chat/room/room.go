// Package room is the contract of a chat room, whose guests are connected with it.
package room

import (
	"time"

	"github.com/troupe-go/troupe"
)

// Room refers to a chat room by its name.
type Room struct{ troupe.Ref }

// ActorType implements troupe.Reference.
func (Room) ActorType() string { return "chatRoom" }

var (
	// Enter begins a guest's stay, or refuses it with ErrBadName. The guest is sent Welcome.
	Enter = troupe.NewConnector[Room, Guest]()
	// Say tells everybody something, in the name of the guest whose connection it comes by, or refuses it with
	// ErrBadText. A text that begins with @NAME and a blank is also put to the bot of that name, whose answer follows.
	Say = troupe.NewAction[Room, string, Message]("say")
	// Look shows the room.
	Look = troupe.NewAction[Room, troupe.None, View]("look")
	// Recap reads out what was said, word by word. Whoever has heard enough leaves.
	Recap = troupe.NewStream[Room, troupe.None, string]("recap")

	// Welcome shows the room to a guest who has just come in.
	Welcome = troupe.NewEvent[Room, View]("welcome")
	// Said tells of each message.
	Said = troupe.NewEvent[Room, Message]("said")
	// Present tells who is there now that somebody has come or gone.
	Present = troupe.NewEvent[Room, []string]("present")

	// ErrBadName refuses a name that is empty or too long.
	ErrBadName = troupe.NewError("bad_name", "a name has 1 to 24 letters")
	// ErrBadText refuses a text that is empty or too long.
	ErrBadText = troupe.NewError("bad_text", "a message has 1 to 1000 letters")
	// ErrNoBot has in its metadata the bot that nobody has heard of.
	ErrNoBot = troupe.NewError("no_bot", "there is no such bot here")
)

// Guest is who enters a room.
type Guest struct {
	Name string `json:"name"`
}

// Message is something that was said.
type Message struct {
	Number int       `json:"number"` // how many there were by then
	From   string    `json:"from"`
	Text   string    `json:"text"`
	At     time.Time `json:"at"`
	Bot    bool      `json:"bot,omitempty"`
}

// View is what there is to see in a room.
type View struct {
	Messages []Message `json:"messages"` // the latest, the oldest of them first
	Count    int       `json:"count"`    // of all that was ever said
	Present  []string  `json:"present"`  // the names of the guests, in the order in which they came
}
