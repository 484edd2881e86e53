package actorhost_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/troupe-go/troupe/actorhost/hosttest"
)

// The test binary is also the program of the listeners of BenchmarkBroadcast.
func TestMain(m *testing.M) {
	if url := os.Getenv(envListeners); url != "" {
		if err := runListeners(url); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	hosttest.Main(m)
}
