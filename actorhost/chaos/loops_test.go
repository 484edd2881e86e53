//go:build chaos && unix

package chaos_test

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/codec"
)

// A wanderer walks laps in its run loop. Nobody calls it.
type wanderer struct{ troupe.Ref }

func (wanderer) ActorType() string { return "wanderer" }

var (
	wander = troupe.NewAction[wanderer, troupe.None, []walk]("wander")
	lapped = troupe.NewEvent[wanderer, lap]("lapped")
)

// walk is the laps of one activation.
type walk struct {
	Epoch uint64 `json:"epoch"`
	Laps  int    `json:"laps"`
}

// lap is one of them, by its number in all.
type lap struct {
	Key    string `json:"key"`
	Epoch  uint64 `json:"epoch"`
	Number int    `json:"number"`
}

type wandererState struct {
	Walks []walk `json:"walks"`
	Laps  int    `json:"laps"`
}

func (s *wandererState) lap(c *actorhost.Context) error {
	if n := len(s.Walks); n == 0 || s.Walks[n-1].Epoch != c.Epoch() {
		s.Walks = append(s.Walks, walk{Epoch: c.Epoch()})
	}
	s.Walks[len(s.Walks)-1].Laps++
	s.Laps++
	return lapped.Broadcast(c, lap{c.Key()[0], c.Epoch(), s.Laps})
}

func loopActors() []actorhost.Definition {
	return []actorhost.Definition{
		actorhost.Define(func() wandererState { return wandererState{} },
			actorhost.On(wander, actorhost.NoIn(func(s *wandererState, _ *actorhost.Context) ([]walk, error) { return s.Walks, nil })),
		).Loop(func(l *actorhost.Loop[wandererState]) error {
			// Some pause so long that they fall asleep.
			random := rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano())))
			for l.Pause(time.Duration(20+random.IntN(100)) * time.Millisecond) {
				if err := l.Turn((*wandererState).lap); err != nil {
					return err
				}
			}
			return nil
		}).Config(actorhost.TypeConfig{SleepAfter: 100 * time.Millisecond}),
	}
}

const wanderers = 40

// TestChaosLoops has wanderers walk while faults happen. No lap that was told of may be lost or walked twice, no two activations
// may walk in turns, and in the end all must go on, though nobody calls them.
func TestChaosLoops(t *testing.T) {
	t.Parallel()
	eachSeed(t, "loops", faults, runLoops)
}

// laps are those that were told of.
type laps struct {
	mu     sync.Mutex
	told   int
	last   map[string]int
	epochs map[string]map[int]uint64
	faults []string
}

func (l *laps) hear(one lap) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.epochs[one.Key] == nil {
		l.epochs[one.Key] = map[int]uint64{}
	}
	if by, ok := l.epochs[one.Key][one.Number]; ok && by != one.Epoch {
		l.faults = append(l.faults, fmt.Sprintf("wanderer %s: lap %d was walked in epoch %d and in %d", one.Key, one.Number, by, one.Epoch))
	}
	l.told++
	l.epochs[one.Key][one.Number] = one.Epoch
	l.last[one.Key] = max(l.last[one.Key], one.Number)
}

// behind are the wanderers that have not walked since.
func (l *laps) behind(since map[string]int) (keys []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range wanderers {
		if key := fmt.Sprint(i); l.last[key] <= since[key] {
			keys = append(keys, key)
		}
	}
	return keys
}

func (l *laps) now() map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.last)
}

func runLoops(t *testing.T, sc scenario) findings {
	t.Helper()
	s := begin(t, sc.servers, sc.name+".log", sc.env...)
	defer s.end()
	nc, err := bus.Connect(t.Context(), bus.Config{URL: s.client().urls(), Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	defer nc.Close()
	heard := &laps{last: map[string]int{}, epochs: map[string]map[int]uint64{}}
	_, err = nc.Subscribe("troupe.event.wanderer.>", func(m *nats.Msg) {
		var one lap
		if codec.MsgPack.Unmarshal(m.Data, &one) == nil {
			heard.hear(one)
		}
	})
	require.NoError(t, err)
	cl, err := client.New(nc, client.Config{})
	require.NoError(t, err)
	defer func() { _ = cl.Close(context.Background()) }()
	walked := func(key string) (walks []walk) {
		require.Eventually(t, func() bool {
			ctx, cancel := context.WithTimeout(t.Context(), callTimeout)
			defer cancel()
			var err error
			walks, err = wander.Call(ctx, troupe.GetOrCreate[wanderer](cl, key), nil)
			return err == nil
		}, settling, shortly)
		return walks
	}
	for i := range wanderers {
		walked(fmt.Sprint(i))
	}
	require.Eventually(t, func() bool { return len(heard.behind(nil)) == 0 }, settling, shortly)
	ctx, stop := context.WithTimeout(t.Context(), sc.duration())
	defer stop()
	t.Logf("seed %d: %s, %v", sc.seed, s, sc.duration())
	s.suffer(ctx, rand.New(rand.NewPCG(sc.seed, 5)), sc.faults)
	s.mend()
	s.awaitHosts()
	found := findings{faults: slices.Clone(s.found)}
	since, mended := heard.now(), time.Now()
	for len(heard.behind(since)) > 0 && time.Since(mended) < max(cmp.Or(sc.settling, settling), 4*s.lease) {
		// They are in other processes: all there is to do is to look again.
		time.Sleep(shortly)
	}
	for _, key := range heard.behind(since) {
		found.faults = append(found.faults, fmt.Sprintf("wanderer %s has not gone on %v after the faults", key, time.Since(mended)))
	}
	t.Logf("all go on %v after the faults", time.Since(mended))
	most, lives := heard.now(), 0
	for i := range wanderers {
		key := fmt.Sprint(i)
		walks := walked(key)
		lives += len(walks)
		found.faults = append(found.faults, checkWalks(key, walks, most[key])...)
	}
	heard.mu.Lock()
	defer heard.mu.Unlock()
	found.faults = append(found.faults, heard.faults...)
	t.Logf("%d laps of %d wanderers were told of, in %d lives; %d faults found", heard.told, wanderers, lives, len(found.faults))
	return found
}

// checkWalks compares what a wanderer has stored with the last lap that it has told of.
func checkWalks(key string, walks []walk, told int) (faults []string) {
	sum, last := 0, uint64(0)
	for _, w := range walks {
		sum += w.Laps
		if w.Epoch <= last {
			faults = append(faults, fmt.Sprintf("wanderer %s walks in epoch %d after %d", key, w.Epoch, last))
		}
		last = w.Epoch
	}
	if sum < told {
		faults = append(faults, fmt.Sprintf("wanderer %s has told of %d laps, and has %d", key, told, sum))
	}
	return faults
}
