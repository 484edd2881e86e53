package troupe_test

import (
	"context"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

type (
	Post    struct{ troupe.Ref }
	Mailbox struct{ troupe.Ref }
)

func (Post) ActorType() string    { return "post" }
func (Mailbox) ActorType() string { return "mailbox" }

type Letter struct {
	Text string  `json:"text"`
	To   Mailbox `json:"to"` // a reference crosses the wire as its text
}

var (
	Deliver = troupe.NewAction[Post, Letter, troupe.None]("deliver")
	Drop    = troupe.NewAction[Mailbox, string, troupe.None]("drop")
	Letters = troupe.NewAction[Mailbox, troupe.None, []string]("letters")
)

type postState struct{}

// deliver makes the reference that has arrived usable here.
func (*postState) deliver(c *actorhost.Context, letter Letter) error {
	_, err := Drop.Call(c, troupe.Bind(c, letter.To), letter.Text)
	return err
}

type mailboxState struct{ Letters []string }

func (s *mailboxState) drop(_ *actorhost.Context, text string) error {
	s.Letters = append(s.Letters, text)
	return nil
}

func (s *mailboxState) letters(*actorhost.Context) ([]string, error) { return s.Letters, nil }

var post = []actorhost.Definition{
	actorhost.Define(func() postState { return postState{} },
		actorhost.On(Deliver, actorhost.NoOut((*postState).deliver))),
	actorhost.Define(func() mailboxState { return mailboxState{} },
		actorhost.On(Drop, actorhost.NoOut((*mailboxState).drop)),
		actorhost.On(Letters, actorhost.NoIn((*mailboxState).letters))),
}

// References can be in inputs, outputs, events and states.
func ExampleBind() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, post...)
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	anna := troupe.GetOrCreate[Mailbox](c, "anna")
	if _, err := Deliver.Call(ctx, troupe.GetOrCreate[Post](c), Letter{Text: "hello", To: anna}); err != nil {
		panic(err)
	}
	fmt.Println(Letters.Call(ctx, anna, nil))
	// Output: [hello] <nil>
}
