package actorhost_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/troupe-go/troupe/actorhost/hosttest"
)

// The test binary is also the program of the processes that benchmarks start.
func TestMain(m *testing.M) {
	if url := os.Getenv(envListeners); url != "" {
		exit(runListeners(url))
	}
	if role := os.Getenv(envProgram); role != "" {
		exit(runProgram(role))
	}
	if is, err := runRole(); is {
		exit(err)
	}
	hosttest.Main(m)
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}
