package actorhost_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/troupe-go/troupe/actorhost/hosttest"
)

// The test binary is also the program of the processes that benchmarks start.
func TestMain(m *testing.M) {
	if name := os.Getenv(envProgram); name != "" {
		exit(runProgram(name, os.Args[1:]))
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
