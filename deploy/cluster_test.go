package deploy_test

import (
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actorhost"
)

// A host that may not ask whether a server with the name of a cluster is one takes it for one.
func TestHostAsksForACluster(t *testing.T) {
	for _, may := range []bool{true, false} {
		options := users(t)
		options.Cluster.Name = "shop"
		if publish := hostOf(options).Publish; !may {
			publish.Allow = slices.DeleteFunc(publish.Allow, func(rule string) bool { return strings.Contains(rule, ".LEADER.STEPDOWN.") })
		}
		g := guard(t, options)
		_, err := g.start(t)
		if may {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, "opening the bucket troupe-actors: ")
		require.ErrorContains(t, err, "the server is no cluster: set Replicas to 1")
		host, err := actorhost.Start(t.Context(), g.connect(t, "host"),
			actorhost.Config{Replicas: 1, Logger: slog.New(slog.DiscardHandler)}, rooms)
		require.NoError(t, err)
		require.NoError(t, host.Stop(t.Context()))
	}
}
