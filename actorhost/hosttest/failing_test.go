package hosttest_test

import (
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
)

// envFailing makes TestFailingInAnAction fail.
const envFailing = "TROUPE_TEST_FAILING"

// TestFailingInAnAction fails, in a process that TestRequireInAnAction starts.
func TestFailingInAnAction(t *testing.T) {
	t.Parallel()
	if os.Getenv(envFailing) == "" {
		t.Skip("TestRequireInAnAction runs it")
	}
	strict := actorhost.Define(func() struct{} { return struct{}{} },
		actorhost.On(greet, func(_ *struct{}, _ *actorhost.Context, name string) (string, error) {
			require.NotEqual(t, "mallory", name)
			return "hello, " + name, nil
		}))
	b := hosttest.Start(t, strict)
	ref := troupe.GetOrCreate[greeter](b.Client)
	_, err := greet.Call(t.Context(), ref, "mallory")
	t.Log("mallory:", err)
	got, err := greet.Call(t.Context(), ref, "ann")
	t.Log("ann:", got, err)
}

// An action under test may call require: its test fails, and the process goes on.
func TestRequireInAnAction(t *testing.T) {
	t.Parallel()
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^(TestFailingInAnAction|TestOneLine)$", "-test.v", "-test.timeout=60s")
	command.Env = append(os.Environ(), envFailing+"=1")
	out, err := command.CombinedOutput()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit, "the test has not failed")
	require.Equal(t, 1, exit.ExitCode(), string(out)) // 2 is that of a process that dies
	for _, line := range []string{
		"--- FAIL: TestFailingInAnAction", "--- PASS: TestOneLine", `Should not be: "mallory"`, "mallory: internal: ", "ann: hello, ann <nil>",
	} {
		require.Contains(t, string(out), line)
	}
}
