package troupe_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

type Profile struct{ troupe.Ref }

func (Profile) ActorType() string { return "profile" }

var (
	Rename = troupe.NewAction[Profile, string, troupe.None]("rename")
	Name   = troupe.NewAction[Profile, troupe.None, string]("name")
)

type profileState struct{ Name string }

func (s *profileState) rename(_ *actorhost.Context, name string) error {
	s.Name = name
	return nil
}

func (s *profileState) name(*actorhost.Context) (string, error) { return s.Name, nil }

var profiles = actorhost.Define(func() profileState { return profileState{} },
	actorhost.On(Rename, actorhost.NoOut((*profileState).rename)),
	actorhost.On(Name, actorhost.NoIn((*profileState).name)))

// Get is for actors that must exist: it never creates one. GetOrCreate does, with the first call.
func ExampleGet() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, profiles)
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	_, err = Name.Call(ctx, troupe.Get[Profile](c, "u1"), nil)
	fmt.Println(errors.Is(err, troupe.ErrNotFound))

	_, err = Rename.Call(ctx, troupe.GetOrCreate[Profile](c, "u1"), "Anna")
	fmt.Println(err)
	name, err := Name.Call(ctx, troupe.Get[Profile](c, "u1"), nil)
	fmt.Println(name, err)
	// Output:
	// true
	// <nil>
	// Anna <nil>
}
