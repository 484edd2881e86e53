package actorhost_test

import (
	"context"
	"fmt"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

// A Feed looks by itself whether there is news.
type Feed struct{ troupe.Ref }

func (Feed) ActorType() string { return "feed" }

var (
	Watch = troupe.NewAction[Feed, string, troupe.None]("watch")
	News  = troupe.NewEvent[Feed, string]("news")
)

type feedState struct {
	URL  string
	Seen int
}

func (s *feedState) watch(_ *actorhost.Context, url string) error { s.URL = url; return nil }

// poll asks a site, which takes a while, for what is new.
func poll(_ context.Context, url string) int { return len(url) }

// A loop runs beside the turns of its actor. It touches the state in turns.
func followSite(l *actorhost.Loop[feedState]) error {
	for l.Pause(10 * time.Millisecond) {
		url := ""
		if err := l.Turn(func(s *feedState, _ *actorhost.Context) error { url = s.URL; return nil }); err != nil {
			return err
		}
		found := poll(l, url) // calls of the actor go on meanwhile
		err := l.Turn(func(s *feedState, c *actorhost.Context) error {
			if found == s.Seen {
				return nil
			}
			s.Seen = found
			return News.Broadcast(c, fmt.Sprintf("%d at %s", found, url))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func ExampleActorType_Loop() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{},
		actorhost.Define(func() feedState { return feedState{} }, actorhost.On(Watch, actorhost.NoOut((*feedState).watch))).Loop(followSite))
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	heard := make(chan string, 1)
	weather := troupe.GetOrCreate[Feed](c, "weather")
	sub, err := News.Subscribe(ctx, weather, func(_ context.Context, text string) error { heard <- text; return nil })
	if err != nil {
		panic(err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	if _, err := Watch.Call(ctx, weather, "example.org"); err != nil {
		panic(err)
	}
	fmt.Println(<-heard)
	// Output: 11 at example.org
}
