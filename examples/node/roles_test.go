package node_test

import (
	"testing"

	"github.com/troupe-go/troupe/examples/internal/stage/stagetest"
)

// TestRoles has a program do what deploy/auth.conf allows it, and what it does not.
func TestRoles(t *testing.T) {
	t.Parallel()
	srv := stagetest.Tenant(t, "../../deploy/auth.conf")
	testClient(t, []string{"NATS_ROLES=" + srv.ClientURL()}, "roles")
}
