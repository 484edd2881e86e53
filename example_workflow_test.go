package troupe_test

import (
	"context"
	"fmt"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

// A Booking is one run: its key is that of the run.
type Booking struct{ troupe.Ref }

func (Booking) ActorType() string { return "booking" }

// A Hotel has rooms.
type Hotel struct{ troupe.Ref }

func (Hotel) ActorType() string { return "hotel" }

type Journey struct {
	To     string `json:"to"`
	Nights int    `json:"nights"`
}

var (
	Book    = troupe.NewWorkflow[Booking, Journey, string]("book")
	Reserve = troupe.NewAction[Hotel, int, string]("reserve")
	Cancel  = troupe.NewAction[Hotel, string, troupe.None]("cancel")
)

// book is run again from its beginning whenever it goes on. A step that is done then gives at once what it gave before.
func book(w *actorhost.Flow[struct{}], j Journey) (string, error) {
	hotel := troupe.GetOrCreate[Hotel](w, j.To)
	room, err := actorhost.Step(w, "reserve", func(c *actorhost.StepContext) (string, error) {
		return Reserve.Call(c, hotel, j.Nights) // takes effect once, however often the step is tried
	})
	if err != nil {
		return "", err
	}
	w.Undo("cancel", func(c *actorhost.StepContext) error { // if the workflow fails, or is canceled
		_, err := Cancel.Call(c, hotel, room)
		return err
	})
	if err := w.Sleep("untilTheDayBefore", time.Millisecond); err != nil { // or for weeks: the actor sleeps
		return "", err
	}
	return actorhost.Step(w, "remind", func(c *actorhost.StepContext) (string, error) {
		return fmt.Sprintf("%s in %s is yours", room, j.To), nil
	})
}

var bookings = []actorhost.Definition{
	actorhost.Define(func() struct{} { return struct{}{} }, actorhost.OnWorkflow(Book, book)),
	actorhost.Define(func() int { return 0 },
		actorhost.On(Reserve, func(taken *int, _ *actorhost.Context, _ int) (string, error) {
			*taken++
			return fmt.Sprint("room ", *taken), nil
		}),
		actorhost.On(Cancel, actorhost.NoOut(func(*int, *actorhost.Context, string) error { return nil }))),
}

func ExampleWorkflow() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, bookings...)
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	run := troupe.GetOrCreate[Booking](c, "b17")
	if err := Book.Start(ctx, run, Journey{To: "Rome", Nights: 3}); err != nil { // from here on it goes on by itself
		panic(err)
	}
	reminder, err := Book.Result(ctx, run) // also days later, in another program
	fmt.Println(reminder[:6], err)
	shown, err := Book.Show(ctx, run)
	for _, step := range shown.Steps {
		fmt.Println(step.Kind, step.Name)
	}
	fmt.Println(shown.Status, err)
	// Output:
	// room 1 <nil>
	// step reserve
	// sleep untilTheDayBefore
	// step remind
	// succeeded <nil>
}
