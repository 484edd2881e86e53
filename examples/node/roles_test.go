package node_test

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/examples/internal/stage/stagetest"
)

// TestRoles has a program do what deploy/auth.conf allows it, and what it does not.
func TestRoles(t *testing.T) {
	t.Parallel()
	srv := stagetest.Tenant(t, "../../deploy/auth.conf")
	testClient(t, []string{"NATS_ROLES=" + srv.ClientURL()}, "roles")
}

// TestShortLived has programs go on whose JWTs run out, on a server of deploy/keys.
func TestShortLived(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keys, secrets := filepath.Join(dir, "keys"), filepath.Join(dir, "secrets")
	for _, command := range [][]string{{"go", "build", "-ldflags=-s -w", "-o", keys, "../../deploy/keys"}, {keys, "init", secrets}} {
		out, err := exec.CommandContext(t.Context(), command[0], command[1:]...).CombinedOutput()
		require.NoError(t, err, "%q: %s", command, out)
	}
	srv := stagetest.TenantAs(t, filepath.Join(secrets, "nats.conf"),
		bus.Config{Creds: filepath.Join(secrets, "creds", "host.creds"), InboxPrefix: "_INBOX.staff.host"})
	testClient(t, []string{"NATS_ROLES=" + srv.ClientURL(), "KEYS=" + keys, "KEYS_DIR=" + secrets}, "roles")
}
