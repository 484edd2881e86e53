package node_test

import (
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/troupe-go/troupe/internal/bustest" //nolint:depguard // a server with users, for a test of ours
)

// TestDenied has a client meet a server that does not let it do everything.
func TestDenied(t *testing.T) {
	t.Parallel()
	srv := bustest.Serve(t, &server.Options{Users: []*server.User{{
		Username: "ann", Password: "secret", Permissions: &server.Permissions{
			Publish:   &server.SubjectPermission{Allow: []string{"troupe.*.open.>"}},
			Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX.ann.>", "troupe.event.open.>"}},
		},
	}}})
	testClient(t, []string{"NATS_RESTRICTED=" + srv.ClientURL()}, "hostile")
}
