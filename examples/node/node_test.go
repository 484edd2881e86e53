package node_test

import (
	"testing"

	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/examples/internal/stage/stagetest"
)

func TestMain(m *testing.M) { hosttest.Main(m) }

// clientDir has the JavaScript client.
const clientDir = "../../client/js"

// testClient runs test files of the client.
func testClient(t *testing.T, env []string, names ...string) {
	t.Helper()
	stagetest.NPM(t, clientDir)
	stagetest.Read(t, clientDir+"/test/*.js")
	args := []string{"--test"}
	for _, name := range names {
		args = append(args, "test/"+name+".test.js")
	}
	stagetest.Node(t, clientDir, env, args...)
}

// TestWire reads the vectors of the Go tests.
func TestWire(t *testing.T) {
	t.Parallel()
	stagetest.Read(t, "../../docs/vectors/*.json")
	testClient(t, nil, "wire")
}
