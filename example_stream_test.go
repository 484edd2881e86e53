package troupe_test

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

// Author refers to an author of texts.
type Author struct{ troupe.Ref }

func (Author) ActorType() string { return "author" }

// Write yields a text about something word by word, as it is written.
var Write = troupe.NewStream[Author, string, string]("write")

type authorState struct{ Texts int }

func write(s *actorhost.Stream[authorState], about string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		if err := s.Turn(func(a *authorState, _ *actorhost.Context) error { a.Texts++; return nil }); err != nil {
			yield("", err)
			return
		}
		for word := range strings.FieldsSeq("There is much to be said about " + about) {
			if !yield(word, nil) {
				return // nobody reads it any more
			}
		}
	}
}

// An action that has much to say says it bit by bit. Other calls are taken meanwhile.
func ExampleStream() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{},
		actorhost.Define(func() authorState { return authorState{} }, actorhost.OnStream(Write, write)))
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	for word, err := range Write.Call(ctx, troupe.GetOrCreate[Author](c, "anna"), "spring") {
		if err != nil {
			panic(err)
		}
		fmt.Print(word, " ")
	}
	// Output: There is much to be said about spring
}
