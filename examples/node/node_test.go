package node_test

import (
	"testing"

	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/examples/internal/stage/stagetest"
)

func TestMain(m *testing.M) { hosttest.Main(m) }

// TestWire reads the vectors of the Go tests.
func TestWire(t *testing.T) {
	t.Parallel()
	stagetest.NPM(t, ".")
	stagetest.Read(t, "../../docs/vectors/*.json")
	stagetest.Node(t, ".", nil, "--test", "wire.test.mjs")
}
