package wire_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/wire"
)

func TestHostRequests(t *testing.T) {
	t.Parallel()
	ns, err := wire.NewNamespace("test")
	require.NoError(t, err)
	id, err := troupe.NewID("room", "org 1", "info")
	require.NoError(t, err)
	for subject, want := range map[string][2]string{
		ns.Ping("h"):                 {"ping", ""},
		ns.Info("h"):                 {"info", ""},
		ns.Drain("h"):                {"drain", ""},
		ns.ActorInfo("h", id):        {"actor", "room.org=201.info"},
		ns.Forward("h", id, "drain"): {},
		"test.host.h.fly":            {},
		"test.host.h.info":           {"info", ""},
		"test.host.h":                {},
		"troupe.host.h.drain":        {},
		"test.route.room.drain":      {},
	} {
		request, tokens := ns.HostRequest(subject)
		require.Equal(t, want, [2]string{request, tokens}, subject)
	}
}
