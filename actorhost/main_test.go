package actorhost_test

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"testing"

	"github.com/troupe-go/troupe/actorhost/hosttest"
)

// The test binary is also the program of the processes that benchmarks start.
func TestMain(m *testing.M) {
	if name := os.Getenv(envProgram); name != "" {
		exit(runProgram(name, os.Args[1:]))
	}
	// Most tests wait more than they compute: for leases, elections, and time-outs of servers.
	if parallel := flag.Lookup("test.parallel"); parallel != nil {
		if err := parallel.Value.Set(strconv.Itoa(testsAtOnce * runtime.GOMAXPROCS(0))); err != nil { // -parallel is parsed after it
			exit(err)
		}
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

// takesLong skips a test that takes long and finds no more races than others.
func takesLong(t *testing.T) {
	t.Helper()
	if testing.Short() {
		// It takes several seconds at least.
		t.Skip("slow: go test without -short runs it")
	}
}
