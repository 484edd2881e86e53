package actorhost_test

import (
	"context"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

type Glossary struct{ troupe.Ref }

func (Glossary) ActorType() string { return "glossary" }

var (
	Explain = troupe.NewAction[Glossary, Entry, int]("explain")
	LookUp  = troupe.NewAction[Glossary, string, string]("lookUp")
)

type Entry struct{ Word, Meaning string }

type glossaryState struct {
	Entries []Entry // stored

	index map[string]string // as long as the actor is awake
}

func (s *glossaryState) wake(*actorhost.Context) error {
	s.index = make(map[string]string, len(s.Entries))
	for _, e := range s.Entries {
		s.index[e.Word] = e.Meaning
	}
	return nil
}

func (s *glossaryState) explain(_ *actorhost.Context, e Entry) (int, error) {
	s.Entries = append(s.Entries, e)
	s.index[e.Word] = e.Meaning
	return len(s.Entries), nil
}

func (s *glossaryState) lookUp(_ *actorhost.Context, word string) (string, error) {
	return s.index[word], nil
}

var glossaries = actorhost.Define(func() glossaryState { return glossaryState{} },
	actorhost.On(Explain, (*glossaryState).explain),
	actorhost.On(LookUp, (*glossaryState).lookUp)).
	OnWake((*glossaryState).wake)

// Unexported fields are not stored. The on-wake hook makes them anew.
func ExampleActorType_OnWake() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, glossaries)
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	glossary := troupe.GetOrCreate[Glossary](c, "actors")
	fmt.Println(Explain.Call(ctx, glossary, Entry{"turn", "one action of one actor"}))
	if err := c.Actor("glossary", "actors").Call(ctx, troupe.SleepAction, nil, nil); err != nil {
		panic(err)
	}
	fmt.Println(LookUp.Call(ctx, glossary, "turn"))
	// Output:
	// 1 <nil>
	// one action of one actor <nil>
}
