//go:build chaos && unix

package chaos_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
)

// accountIsFull lets the account have no more than a little room, which clients use up, and then all that it wants.
var accountIsFull = fault{"the account is full", func(s *system, r *rand.Rand) {
	s.tellServers("room", r.IntN(20_000))
	// So long it takes until the little is used up, by processes that do not say so.
	time.Sleep(time.Second / 2)
	sometime(r, 2*time.Second)
	if r.IntN(3) == 0 {
		s.pastLease()
	}
	s.tellServers("room", -1)
	s.awaitService(time.Now(), s.callers)
}}

func (s *system) tellServers(what string, bytes int) {
	for _, n := range s.servers {
		n.order(fmt.Sprint(what, " ", bytes))
	}
}

const (
	storage    = 16 << 20 // of a server, to begin with
	filler     = "filler" // with which the names of lists begin that use it up
	largeItem  = 100_000
	fillers    = 1000 // at most
	muchLater  = 3    // one time of so many, the store stays full for longer than a lease
	roomToGrow = 4 << 20
)

// fill makes lists until there is no room, and returns their names. What is refused says why.
func (s *system) fill(c *caller, name string) (made []string) {
	for i := range fillers {
		key := fmt.Sprintf("%s-%d", name, i)
		ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
		_, err := put.Call(ctx, troupe.GetOrCreate[list](c.bus, key), strings.Repeat("x", largeItem))
		cancel()
		if err == nil {
			made = append(made, key)
			continue
		}
		refused := new(troupe.Error)
		told := errors.As(err, &refused) && refused.Code == troupe.CodeOverloaded && refused.Retryable
		// If it was sent twice on a busy machine, nobody knows. In a cluster, nobody leads the streams then.
		if len(s.servers) == 1 && !told && !errors.Is(err, troupe.ErrOutcomeUnknown) {
			s.findf("without room, a call was told %v", err)
		}
		return made
	}
	s.findf("there is room for %d items of %d bytes", fillers, largeItem)
	return made
}

// serverIsFull uses up all storage, and then makes room: by destroying what uses it, or by a larger limit.
func serverIsFull(limit *int) fault {
	round := 0
	return fault{"the server is full", func(s *system, r *rand.Rand) {
		round++
		c := s.callers[len(s.callers)-1]
		made := s.fill(c, fmt.Sprint(filler, round))
		s.t.Logf("%6.2f s: full, with %d more lists", time.Since(s.began).Seconds(), len(made))
		if sometime(r, 2*time.Second); r.IntN(muchLater) == 0 {
			s.pastLease()
		}
		if len(s.servers) > 1 || r.IntN(3) == 0 { // of a cluster, none may lead before there is room
			*limit += roomToGrow
			s.tellServers("store", *limit)
		}
		for _, key := range made[len(made)/4:] {
			require.Eventually(s.t, func() bool {
				ctx, cancel := context.WithTimeout(s.t.Context(), callTimeout)
				defer cancel()
				_, err := drop.Call(ctx, troupe.GetOrCreate[list](c.bus, key), nil)
				return err == nil
			}, back, 20*time.Millisecond)
		}
		s.awaitService(time.Now(), s.callers)
	}}
}

// TestChaosFull lets the store be full again and again, while clients call: the server's, or for every other seed the
// account's. What was refused has not happened, and all goes on by itself when there is room.
func TestChaosFull(t *testing.T) {
	t.Parallel()
	for seed := *firstSeed; seed < *firstSeed+*seeds; seed++ {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			t.Parallel()
			sc := scenario{
				name: fmt.Sprint("full-", seed), seed: seed, servers: serversOf(seed), faults: []fault{accountIsFull}, env: journaling(seed),
			}
			if limit := storage; seed%2 == 1 {
				sc.storage, sc.faults = storage, []fault{serverIsFull(&limit)}
			}
			run(t, sc).report(t)
		})
	}
}
