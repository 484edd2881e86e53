package bus_test

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

type Visits struct{ troupe.Ref }

func (Visits) ActorType() string { return "visits" }

var Count = troupe.NewAction[Visits, troupe.None, int]("count")

type visitsState struct{ N int }

func (s *visitsState) count(*actorhost.Context) (int, error) {
	s.N++
	return s.N, nil
}

var visits = actorhost.Define(func() visitsState { return visitsState{} },
	actorhost.On(Count, actorhost.NoIn((*visitsState).count)))

// What actors know survives the program, in the data directory. One server has it at a time.
func ExampleServerConfig() {
	dir, err := os.MkdirTemp("", "visits")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	config := bus.Config{Server: bus.ServerConfig{
		DataDir:    dir,
		SyncAlways: true, // a power cut loses nothing; by default it loses the last 100 ms
	}}
	fmt.Println(visit(config))
	fmt.Println(visit(config))

	b, err := bus.Open(context.Background(), config)
	if err != nil {
		panic(err)
	}
	defer b.Close()
	_, err = visit(config)
	fmt.Println(errors.Is(err, bus.ErrDataDirInUse))
	// Output:
	// 1 <nil>
	// 2 <nil>
	// true
}

// visit is a whole program: it starts its server and its host, makes a call, and ends both.
func visit(config bus.Config) (int, error) {
	ctx := context.Background()
	b, err := bus.Open(ctx, config)
	if err != nil {
		return 0, err
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, visits)
	if err != nil {
		return 0, err
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		return 0, err
	}
	defer c.Close(ctx)
	return Count.Call(ctx, troupe.GetOrCreate[Visits](c), nil)
}
