package bus_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/troupe-go/troupe/bus"
)

// Connect joins a server that runs elsewhere, and says at once when there is none.
func ExampleConnect() {
	ctx := context.Background()
	server, err := bus.StartServer(bus.ServerConfig{Memory: true}) // elsewhere, usually: nats-server, or troupe up
	if err != nil {
		panic(err)
	}
	url := server.URL()
	nc, err := bus.Connect(ctx, bus.Config{URL: url, Name: "billing"})
	if err != nil {
		panic(err)
	}
	fmt.Println("connected:", nc.IsConnected())
	nc.Close()

	server.Shutdown()
	_, err = bus.Connect(ctx, bus.Config{URL: url})
	fmt.Println("nobody there:", errors.Is(err, bus.ErrNoServer))
	// Output:
	// connected: true
	// nobody there: true
}
