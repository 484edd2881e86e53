package bus_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/troupe-go/troupe/bus"
)

// Browsers connect by WebSocket. Pages of other origins than those named are refused.
func ExampleServerConfig_webSocket() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{
		Memory:           true,
		WebSocket:        "127.0.0.1:0",
		WebSocketOrigins: []string{"http://localhost:8080"},
	}})
	if err != nil {
		panic(err)
	}
	defer b.Close()

	url := b.WebSocketURL() // for the page; Go programs can use it too
	fmt.Println(strings.HasPrefix(url, "ws://127.0.0.1:"))
	nc, err := bus.Connect(ctx, bus.Config{URL: url})
	if err != nil {
		panic(err)
	}
	defer nc.Close()
	fmt.Println(nc.IsConnected())
	// Output:
	// true
	// true
}
