package actorhost_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

type Clock struct{ troupe.Ref }

func (Clock) ActorType() string { return "clock" }

var Now = troupe.NewAction[Clock, troupe.None, string]("now")

type clockState struct{}

func (*clockState) now(*actorhost.Context) (string, error) { return "high noon", nil }

var clocks = actorhost.Define(func() clockState { return clockState{} },
	actorhost.On(Now, actorhost.NoIn((*clockState).now)))

// A program that is a host and no more needs one call. A signal ends it: running actions end, sleep hooks run, and the
// actors are free for other hosts.
func ExampleRun() {
	b, err := bus.Open(context.Background(), bus.Config{Server: bus.ServerConfig{Memory: true}})
	if err != nil {
		panic(err)
	}
	defer b.Close()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	told := make(chan string, 1)
	go func() { // instead of another program, and of Ctrl-C
		told <- tellTime(ctx, b)
		stop()
	}()

	err = actorhost.Run(ctx, b.Conn(), actorhost.Config{}, clocks)
	if err != nil && ctx.Err() == nil { // a host that is stopped while it still starts has an error, too
		panic(err)
	}
	fmt.Println(<-told)
	// Output: high noon
}

// tellTime is another program, which tries until a host is up.
func tellTime(ctx context.Context, b *bus.Bus) string {
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		return err.Error()
	}
	defer c.Close(ctx)
	for {
		now, err := Now.Call(ctx, troupe.GetOrCreate[Clock](c), nil)
		if err == nil {
			return now
		}
		if !errors.Is(err, troupe.ErrUnknownType) {
			return err.Error()
		}
	}
}
