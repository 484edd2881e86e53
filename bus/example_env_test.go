package bus_test

import (
	"fmt"
	"os"

	"github.com/troupe-go/troupe/bus"
)

// A program that takes its config from the environment runs by itself on a laptop, and on a cluster by NATS_URL.
func ExampleConfigFromEnv() {
	for name, value := range map[string]string{
		"NATS_URL":     "nats://one:4222,nats://two:4222",
		"NATS_CREDS":   "/etc/shop/user.creds",
		"NATS_TIMEOUT": "2s",
	} {
		os.Setenv(name, value)
		defer os.Unsetenv(name)
	}
	config, err := bus.ConfigFromEnv()
	fmt.Println(config.URL, config.Creds, config.Timeout, err) // for bus.Open

	os.Setenv("NATS_TIMEOUT", "soon")
	_, err = bus.ConfigFromEnv()
	fmt.Println(err)
	// Output:
	// nats://one:4222,nats://two:4222 /etc/shop/user.creds 2s <nil>
	// NATS_TIMEOUT: time: invalid duration "soon"
}
