package bus_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/troupe-go/troupe/bus"
)

// A server in this process can let others in: Listen says where. Port 0 is a free one, of which URL tells.
func ExampleStartServer() {
	server, err := bus.StartServer(bus.ServerConfig{Memory: true, Listen: "127.0.0.1:0"})
	if err != nil {
		panic(err)
	}
	defer server.Shutdown()

	inside, err := server.Connect(bus.Config{}) // without the network
	if err != nil {
		panic(err)
	}
	defer inside.Close()
	outside, err := bus.Connect(context.Background(), bus.Config{URL: server.URL()})
	if err != nil {
		panic(err)
	}
	defer outside.Close()
	news, err := outside.SubscribeSync("news")
	if err != nil {
		panic(err)
	}
	if err := outside.Flush(); err != nil { // the server knows of the subscription
		panic(err)
	}
	if err := inside.Publish("news", []byte("hello")); err != nil {
		panic(err)
	}
	msg, err := news.NextMsgWithContext(context.Background())
	if err != nil {
		panic(err)
	}
	fmt.Println(string(msg.Data))

	_, err = bus.StartServer(bus.ServerConfig{Memory: true, Listen: server.URL()[len("nats://"):]})
	fmt.Println("the port is taken:", errors.Is(err, bus.ErrListen))
	// Output:
	// hello
	// the port is taken: true
}
