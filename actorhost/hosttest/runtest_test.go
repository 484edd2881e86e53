package hosttest_test

import (
	"flag"
	"fmt"
	"testing"
)

// runTest has an example run a test that it shows, and prints ok when it passes.
func runTest(test func(t *testing.T)) {
	// What go test was told to run and to print is about other tests.
	for name, value := range map[string]string{"test.v": "false", "test.run": "", "test.skip": ""} {
		was := flag.Lookup(name).Value.(flag.Getter).Get()
		defer func() { _ = flag.Set(name, fmt.Sprint(was)) }()
		_ = flag.Set(name, value)
	}
	passed := testing.RunTests(func(string, string) (bool, error) { return true, nil }, []testing.InternalTest{{Name: "Test", F: test}})
	if passed {
		fmt.Println("ok") //nolint:forbidigo // for the example
	}
}
