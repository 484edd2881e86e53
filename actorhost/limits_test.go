package actorhost_test

import (
	"context"
	"log/slog"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
)

// TestLimitsOfTheAccount starts hosts in accounts that allow little.
func TestLimitsOfTheAccount(t *testing.T) {
	t.Parallel()
	const mb = 1 << 20
	limited := actorhost.Config{
		MaxBytes: actorhost.MaxBytes{Records: 5 * mb, Journal: 4 * mb, Hosts: mb, Subscriptions: 2 * mb, Events: 3 * mb, Answers: mb},
	}
	for name, of := range map[string]struct {
		limits string
		config actorhost.Config
		fails  string // empty: it starts
	}{
		"a limit is required":          {"max_bytes_required: true, max_file: 1G", actorhost.Config{}, "opening the bucket troupe-actors: nats: API error: code=400 err_code=10113 description=account requires a stream config to have max bytes set (actorhost.Config has MaxBytes for that; docs/hosts.md says how to make it by hand)"},
		"a limit is required, and set": {"max_bytes_required: true, max_file: 1G", limited, ""},
		"the limit is too large":       {"disk_max_stream_bytes: 4M, max_file: 1G", limited, "opening the bucket troupe-actors: nats: API error: code=400 err_code=10122"},
		"too little room":              {"max_file: 10M", limited, "opening the bucket troupe-hosts: the server, or the account, has not as much storage as the bucket troupe-hosts asks for: "},
		"too few streams":              {"max_streams: 2, max_file: 1G", actorhost.Config{}, "opening the bucket troupe-hosts: the account allows no more streams: delete some, or raise its limit (max_streams) (nats: "},
		"enough streams":               {"max_streams: 5, max_file: 1G", actorhost.Config{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := serveConfig(t, "jetstream {}\naccounts {A {jetstream: {"+of.limits+"}, users: [{user: host, password: p}]}}",
				func(o *server.Options) { o.StoreDir = t.TempDir() })
			nc, err := bus.Connect(t.Context(), bus.Config{URL: srv.ClientURL(), User: "host", Password: "p"})
			require.NoError(t, err)
			t.Cleanup(nc.Close)
			of.config.Logger = slog.New(slog.DiscardHandler)
			host, err := actorhost.Start(t.Context(), nc, of.config, pressAndReader...)
			if of.fails != "" {
				require.ErrorContains(t, err, of.fails)
				return
			}
			require.NoError(t, err)
			require.NoError(t, host.Stop(context.Background()))
			js, err := jetstream.New(nc)
			require.NoError(t, err)
			limits := make(map[string]int64)
			for stream := range js.ListStreams(t.Context()).Info() {
				limits[stream.Config.Name] = max(stream.Config.MaxBytes, 0)
			}
			set := of.config.MaxBytes
			require.Equal(t, map[string]int64{
				"KV_troupe-actors": set.Records, "troupe-journal": set.Journal, "KV_troupe-hosts": set.Hosts,
				"KV_troupe-subscriptions": set.Subscriptions, "troupe-events": set.Events,
			}, limits)
		})
	}
}
