package bus_test

import (
	"os"
	"testing"

	"github.com/nats-io/nats-server/v2/server/ats"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDataDir); dir != "" {
		os.Exit(child(dir))
	}
	// The server's clock of access times is a goroutine for as long as it is used. It must not begin in the synctest
	// bubble of one test: the bubble could not end.
	ats.Register()
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/nats-io/nats-server/v2/server/ats.Register.func1"))
}
