package actorhost_test

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
)

// Readers are at their own pace, however fast the producer is. All in virtual time.
func TestStreamHasPatience(t *testing.T) {
	for name, c := range map[string]struct {
		p     prompt
		pause func(i int) time.Duration // of the reader, before it asks for more
	}{
		"slow all the time": {prompt{Words: 6000}, func(int) time.Duration { return 100 * time.Millisecond }},
		"long, once":        {prompt{Words: 6000}, func(i int) time.Duration { return map[int]time.Duration{100: time.Hour}[i] }},
		"while nothing comes": {prompt{Words: 165, Pause: time.Minute}, func(i int) time.Duration {
			return map[int]time.Duration{10: 150 * time.Minute}[i] // more words of the host that it is there than may wait
		}},
		"large values": {prompt{Words: 40, Size: 100_000}, func(int) time.Duration { return 20 * time.Second }},
	} {
		t.Run(name, func(t *testing.T) {
			if c.p.Pause > 0 {
				takesLong(t) // though virtual, so much time
			}
			synctest.Test(t, func(t *testing.T) {
				b, _, ended := startModel(t)
				next, stop := iter.Pull2(Words.Call(t.Context(), troupe.GetOrCreate[Model](b.Client, "m"), c.p))
				defer stop()
				for i := range c.p.Words {
					word, err, ok := next()
					require.True(t, ok)
					require.NoError(t, err, i)
					require.Equal(t, fmt.Sprint(i), strings.TrimRight(word, "."))
					time.Sleep(c.pause(i)) //nolint:forbidigo // virtual time
				}
				_, err, ok := next()
				require.False(t, ok, err)
				require.NoError(t, <-ended)
			})
		})
	}
}

// A reader that has been given up hears of it when it looks again.
func TestReaderIsToldThatItIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _, ended := startModel(t)
		r := newReader(t, b.Connect())
		r.open(prompt{Words: 2}, nats.Header{"Troupe-Inbox": {"INBOX"}})
		require.NotEmpty(t, r.next().Data)
		require.ErrorIs(t, <-ended, troupe.ErrCanceled)
		for msg := r.next(); ; msg = r.next() {
			if msg.Header.Get("Troupe-End") != "" {
				require.Contains(t, string(msg.Data), "has taken nothing for 30s")
				return
			}
			require.NotEmpty(t, msg.Header.Get("Troupe-Alive"))
		}
	})
}

// Two calls without an identity are two streams, though their values come together.
func TestCallsWithoutIdentityAreStreamsOfTheirOwn(t *testing.T) {
	t.Parallel()
	b, _, ended := startModel(t)
	r := newReader(t, b.Connect())
	r.open(prompt{Words: 2, Pause: 50 * time.Millisecond}, nil)
	r.open(prompt{Words: 2, Pause: 50 * time.Millisecond}, nil)
	require.NoError(t, <-ended)
	require.NoError(t, <-ended)
	for ends := 0; ends < 2; {
		if r.next().Header.Get("Troupe-End") != "" {
			ends++
		}
	}
}

// TestStreamEndsWithTheLease has a host lose its lease while it produces, and be told by nobody. In virtual time.
func TestStreamEndsWithTheLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const lease = 3 * time.Second
		b, ended := hosttest.Start(t), make(chan error, 1)
		b.HostWith(actorhost.Config{Lease: lease}, modelThat(ended))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		opened := time.Now()
		var got []string
		var grant func()
		for word, err := range Words.Call(ctx, troupe.GetOrCreate[Model](b.Client, "m"), prompt{Words: 1 << 30, Pause: time.Second}) {
			if err != nil {
				require.ErrorIs(t, err, troupe.ErrUnavailable)
				break
			}
			if got = append(got, word); len(got) == 1 {
				grant = refuseLeases(t, b)
			}
		}
		require.Error(t, <-ended)
		require.Less(t, time.Since(opened), 3*lease)
		grant()
	})
}
