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
	Pupil struct{ troupe.Ref }
	Class struct{ troupe.Ref }
)

func (Pupil) ActorType() string { return "pupil" }
func (Class) ActorType() string { return "class" }

var (
	SignUp = troupe.NewAction[Pupil, string, troupe.None]("signUp")
	Enrol  = troupe.NewAction[Class, Pupil, troupe.None]("enrol")
	Pupils = troupe.NewAction[Class, troupe.None, []Pupil]("pupils")
)

type pupilState struct{}

// signUp hands the class a reference to the pupil itself.
func (*pupilState) signUp(c *actorhost.Context, class string) error {
	_, err := Enrol.Call(c, troupe.GetOrCreate[Class](c, class), troupe.Self[Pupil](c))
	return err
}

type classState struct{ Pupils []Pupil }

func (s *classState) enrol(_ *actorhost.Context, pupil Pupil) error {
	s.Pupils = append(s.Pupils, pupil)
	return nil
}

func (s *classState) pupils(*actorhost.Context) ([]Pupil, error) { return s.Pupils, nil }

var school = []actorhost.Definition{
	actorhost.Define(func() pupilState { return pupilState{} },
		actorhost.On(SignUp, actorhost.NoOut((*pupilState).signUp))),
	actorhost.Define(func() classState { return classState{} },
		actorhost.On(Enrol, actorhost.NoOut((*classState).enrol)),
		actorhost.On(Pupils, actorhost.NoIn((*classState).pupils))),
}

func ExampleSelf() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, school...)
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	if _, err := SignUp.Call(ctx, troupe.GetOrCreate[Pupil](c, "anna"), "1b"); err != nil {
		panic(err)
	}
	fmt.Println(Pupils.Call(ctx, troupe.Get[Class](c, "1b"), nil))
	// Output: [pupil/anna] <nil>
}
