package bus_test

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe/bus"
)

// Without a URL, Open starts a NATS server in this process: nothing to install, nothing to configure. The zero Config
// keeps its data in the user's data directory; this one keeps nothing.
func ExampleOpen() {
	b, err := bus.Open(context.Background(), bus.Config{Server: bus.ServerConfig{Memory: true}})
	if err != nil {
		panic(err)
	}
	defer b.Close()
	fmt.Println("in this process:", b.Embedded())

	nc := b.Conn() // an ordinary connection to NATS, for packages client and actorhost or for anything else
	_, err = nc.Subscribe("greet", func(msg *nats.Msg) { _ = msg.Respond(append([]byte("hello, "), msg.Data...)) })
	if err != nil {
		panic(err)
	}
	answer, err := nc.Request("greet", []byte("world"), 5*time.Second)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(answer.Data))
	// Output:
	// in this process: true
	// hello, world
}
