package actorhost_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/internal/bustest"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// streamNames are the streams of the namespace %s, in the order of the columns below.
var streamNames = []string{"KV_%s-actors", "%s-journal", "KV_%s-hosts", "KV_%s-subscriptions", "%s-events", "%s-answers", "%s-due"}

type settings = jetstream.StreamConfig

// wrongStreams are streams that somebody has made, and what a host does with each.
var wrongStreams = map[string]struct {
	edit   func(*settings)
	told   string
	become string // R: refused, w: logged, -: not tried, .: taken; for records, journals, hosts, subscriptions, events, answers and alarms
}{
	"other subjects": {func(c *settings) { c.Subjects, c.RePublish = []string{c.Name + ".other.>"}, nil },
		"subjects is [", "RRRRRRR"},
	"more subjects": {func(c *settings) { c.Subjects = append(c.Subjects, c.Name+".other.>") },
		"subjects is [", "RRRRRRR"},
	"mapped subjects": {func(c *settings) {
		c.SubjectTransform = &jetstream.SubjectTransformConfig{Source: c.Subjects[0], Destination: "x." + c.Subjects[0]}
	}, "subject_transform is {", "RRRRRRR"},
	"age":          {func(c *settings) { c.MaxAge = 11 * time.Minute }, "max_age is 11m0s", "RRRRwRR"},
	"no age":       {func(c *settings) { c.MaxAge = 0 }, "max_age", "----w--"},
	"limited, old": {func(c *settings) { c.MaxBytes, c.Discard = 1<<20, jetstream.DiscardOld }, "discard is old", "RRRR-R-"},
	"counted, old": {func(c *settings) { c.MaxMsgs, c.Discard = 1000, jetstream.DiscardOld }, "discard is old", "RRRR-R-"},
	"limited, new": {func(c *settings) { c.MaxBytes, c.Discard = 1<<20, jetstream.DiscardNew }, "", "......-"},
	"new by subject": {func(c *settings) {
		c.Discard, c.DiscardNewPerSubject, c.MaxMsgsPerSubject = jetstream.DiscardNew, true, 1
	}, "discard_new_per_subject is true", "RRRRRR-"},
	"unlimited history": {func(c *settings) { c.MaxMsgsPerSubject = -1 }, "max_msgs_per_subject is unlimited", "R-RR---"},
	"one of a subject":  {func(c *settings) { c.MaxMsgsPerSubject = 1 }, "max_msgs_per_subject is 1", "-R--wR-"},
	"history":           {func(c *settings) { c.MaxMsgsPerSubject = 5 }, "max_msgs_per_subject is 5", "-R--wRR"},
	"in memory":         {func(c *settings) { c.Storage = jetstream.MemoryStorage }, "storage is memory", "RRwRRRR"},
	"interest":          {func(c *settings) { c.Retention = jetstream.InterestPolicy }, "retention is interest", "RRRRRRR"},
	"work queue":        {func(c *settings) { c.Retention = jetstream.WorkQueuePolicy }, "retention is workqueue", "RRRRRR-"},
	"no rollup":         {func(c *settings) { c.AllowRollup, c.DenyPurge, c.SubjectDeleteMarkerTTL = false, true, 0 }, "allow_rollup_hdrs is false", "RRRR---"},
	"no TTL": {func(c *settings) { c.AllowMsgTTL, c.SubjectDeleteMarkerTTL = false, 0 },
		"allow_msg_ttl is false", "RRRR---"},
	"no markers": {func(c *settings) { c.SubjectDeleteMarkerTTL = 0 }, "", "......-"},
	"no direct":  {func(c *settings) { c.AllowDirect = false }, "allow_direct is false", "RRRRRRR"},
	"no batches": {func(c *settings) { c.AllowAtomicPublish = false }, "allow_atomic is false", "w------"},
	"sealed":     {func(c *settings) { c.Sealed = true }, "sealed is true", "RRRRRRR"},
	"no acks":    {func(c *settings) { c.NoAck, c.AllowAtomicPublish = true, false }, "no_ack is true", "RRRRRRR"},
	"acks early": {func(c *settings) {
		c.PersistMode, c.AllowAtomicPublish = jetstream.AsyncPersistMode, false
	}, "persist_mode is async", "RRwRRRR"},
	"copied in": {func(c *settings) { c.Sources = []*jetstream.StreamSource{{Name: "elsewhere"}} }, "sources is [", "RRRRRR-"},
	"counters": {func(c *settings) {
		c.AllowMsgCounter, c.AllowMsgTTL, c.SubjectDeleteMarkerTTL, c.Discard = true, false, 0, jetstream.DiscardOld
	}, "allow_msg_counter is true", "RRRRRR-"},
	"unpublished":     {func(c *settings) { c.RePublish = nil }, "republish is none", "----R--"},
	"compressed":      {func(c *settings) { c.Compression = jetstream.S2Compression }, "compression is s2", "wwwwwww"},
	"small":           {func(c *settings) { c.MaxMsgSize = 500000 }, "max_msg_size is 500000", "wwwwwww"},
	"no schedules":    {func(c *settings) { c.AllowMsgSchedules = false }, "allow_msg_schedules is false", "------R"},
	"counted":         {func(c *settings) { c.MaxMsgs = 1000 }, "max_msgs is 1000", "------R"},
	"limited":         {func(c *settings) { c.MaxBytes = 1 << 20 }, "max_bytes is 1048576", "------w"},
	"other retention": {func(c *settings) { c.Retention = jetstream.LimitsPolicy }, "retention is limits", "------R"},
	"a mirror": {func(c *settings) {
		*c = jetstream.StreamConfig{Name: c.Name, AllowDirect: true, Mirror: &jetstream.StreamSource{Name: "elsewhere"}}
	}, "mirror is {", "RRRRRRR"},
}

// streamsOf makes all streams of a namespace as hosts do, and returns their settings.
func streamsOf(t *testing.T, nc *nats.Conn, namespace string) (configs []jetstream.StreamConfig) {
	t.Helper()
	ns, err := wire.NewNamespace(namespace)
	require.NoError(t, err)
	made := store.Settings{KeepEvents: actorhost.DefaultEventRetention, KeepAnswers: time.Hour}
	records, err := store.OpenRecords(t.Context(), nc, ns, made)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, records.Close()) })
	_, err = store.OpenJournals(t.Context(), records, ns, made, false)
	require.NoError(t, err)
	_, err = store.OpenHosts(t.Context(), nc, ns, made)
	require.NoError(t, err)
	_, err = store.OpenLog(t.Context(), nc, ns, made)
	require.NoError(t, err)
	_, err = store.OpenSubscriptions(t.Context(), nc, ns, made)
	require.NoError(t, err)
	archive := store.NewArchive(nc, ns, made)
	t.Cleanup(archive.Close)
	appended := make(chan error, 1)
	require.NoError(t, archive.Append([]byte("answer"), func(_ store.Ref, err error) { appended <- err }))
	require.NoError(t, <-appended)
	require.NoError(t, store.NewAlarms(nc, ns, records, made).Open(t.Context()))
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	for _, name := range streamNames {
		stream, err := js.Stream(t.Context(), fmt.Sprintf(name, namespace))
		require.NoError(t, err)
		configs = append(configs, stream.CachedInfo().Config)
	}
	return configs
}

// makeStream makes a stream by hand, with settings like those of one in another namespace.
func makeStream(t *testing.T, js jetstream.JetStream, like jetstream.StreamConfig, namespace string, edit func(*settings)) string {
	t.Helper()
	text, err := json.Marshal(like)
	require.NoError(t, err)
	var config jetstream.StreamConfig
	require.NoError(t, json.Unmarshal([]byte(strings.ReplaceAll(string(text), "template", namespace)), &config))
	first := config
	edit(&config)
	if config.Sealed { // the server seals only what there is
		_, err = js.CreateStream(t.Context(), first)
		require.NoError(t, err)
	}
	stream, err := js.CreateOrUpdateStream(t.Context(), config)
	require.NoError(t, err)
	require.Eventually(t, func() bool { // a server that stops before leaves goroutines behind
		info, err := stream.Info(t.Context())
		require.NoError(t, err)
		return (info.Mirror == nil || info.Mirror.Active >= 0) &&
			!slices.ContainsFunc(info.Sources, func(s *jetstream.StreamSourceInfo) bool { return s.Active < 0 })
	}, 10*time.Second, time.Millisecond)
	return config.Name
}

// TestStreamsAreChecked makes each wrong stream by hand and starts a host.
func TestStreamsAreChecked(t *testing.T) {
	t.Parallel()
	connect := bustest.Start(t)
	nc := connect()
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	_, err = js.CreateStream(t.Context(), settings{Name: "elsewhere"}) // to copy from
	require.NoError(t, err)
	like := streamsOf(t, nc, "template")
	namespaces := 0
	for name, wrong := range wrongStreams {
		for i, stream := range streamNames {
			if wrong.become[i] == '-' {
				continue
			}
			namespaces++
			namespace := fmt.Sprint("n", namespaces)
			t.Run(fmt.Sprintf(stream, name), func(t *testing.T) {
				t.Parallel()
				made := makeStream(t, js, like[i], namespace, wrong.edit)
				var logged bustest.Log
				config := actorhost.Config{Namespace: namespace, Logger: slog.New(slog.NewTextHandler(&logged, nil))}
				host, err := actorhost.Start(t.Context(), nc, config, pressAndReader...)
				if err == nil {
					require.NoError(t, host.Stop(context.Background()))
				}
				warnings := strings.Count(logged.String(), "is not as a host would make it")
				switch wrong.become[i] {
				case 'R':
					kind := "the stream "
					if strings.HasPrefix(made, "KV_") {
						kind = "the bucket "
					}
					require.ErrorContains(t, err, kind+strings.TrimPrefix(made, "KV_")+" is not as a host needs it: ")
					require.ErrorContains(t, err, wrong.told)
				case 'w':
					require.NoError(t, err)
					require.Equal(t, 1, warnings, logged.String())
					setting, value, _ := strings.Cut(wrong.told, " is ")
					require.Contains(t, logged.String(), "stream="+made+" setting="+setting+" value="+value)
				default:
					require.NoError(t, err)
					require.Zero(t, warnings, logged.String())
				}
			})
		}
	}
}
