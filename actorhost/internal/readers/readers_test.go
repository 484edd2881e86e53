package readers_test

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/troupe-go/troupe/actorhost/internal/readers"
)

// TestBookKnowsWhatRuns begins, lends and ends readers in any order.
func TestBookKnowsWhatRuns(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := readers.New[string, int](func() {})
		var lent []uint64
		inline, last, waits := uint64(0), uint64(0), false
		name := func(goroutine uint64) string { return string(rune('a' + goroutine)) }
		t.Repeat(map[string]func(*rapid.T){
			"begin": func(*rapid.T) {
				if inline == 0 && !waits && len(lent) < 20 {
					last++
					inline = last
					b.Begin(inline, name(inline), int(inline), 0)
				}
			},
			"lend": func(*rapid.T) {
				if inline != 0 {
					b.Lend()
					lent, inline = append(lent, inline), 0
				}
			},
			"end": func(t *rapid.T) {
				if inline != 0 {
					wasLent, alone := b.End(inline)
					require.False(t, wasLent)
					require.Equal(t, len(lent) == 0, alone)
					inline = 0
				}
			},
			"wait": func(*rapid.T) {
				if inline == 0 && len(lent) > 0 {
					b.Wait()
					waits = true
				}
			},
			"over": func(t *rapid.T) {
				if len(lent) == 0 {
					return
				}
				one := rapid.SampledFrom(lent).Draw(t, "one")
				wasLent, _ := b.End(one)
				require.True(t, wasLent)
				lent = slices.DeleteFunc(lent, func(other uint64) bool { return other == one })
				require.Equal(t, waits && len(lent) == 0, b.Over(one, false))
				waits = waits && len(lent) > 0
			},
			"": func(t *rapid.T) {
				require.Equal(t, len(lent), b.Len())
				require.Equal(t, inline != 0, b.Runs(inline) && inline != 0)
				for _, one := range lent {
					what, ok := b.Find(name(one))
					require.True(t, ok && what == int(one))
					what, ok = b.On(one)
					require.True(t, ok && what == int(one))
				}
				require.False(t, b.Has("") || b.Has(name(last+1)))
			},
		})
	})
}

func TestBookTellsOfReadersThatTakeLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex // the lock of the actor
		var b *readers.Book[string, string]
		late := make(chan string, 10)
		b = readers.New[string, string](func() {
			mu.Lock()
			defer mu.Unlock()
			what, _ := b.Late()
			late <- what
		})
		locked := func(change func()) {
			mu.Lock()
			defer mu.Unlock()
			change()
		}
		locked(func() { b.Begin(1, "", "nobody waits", 0) })
		time.Sleep(time.Second) //nolint:forbidigo // virtual time
		require.Empty(t, late)
		locked(func() {
			b.End(1)
			b.Begin(1, "", "one waits", 1)
		})
		began := time.Now()
		require.Equal(t, "one waits", <-late)
		require.Equal(t, readers.LendAfter, time.Since(began))
		locked(func() {
			b.End(1)
			b.Begin(1, "", "one comes", 0)
			b.Behind(1)
			b.Behind(2)
		})
		require.Equal(t, "one comes", <-late)
	})
}

func TestBookChecksOnceAllAreOver(t *testing.T) {
	t.Parallel()
	b := readers.New[string, string](func() {})
	b.Begin(1, "", "", 0)
	b.Lend()
	b.CheckLater("look")
	b.CheckLater("peek")
	b.CheckLater("look")
	require.Nil(t, b.Unchecked())
	b.Over(1, false)
	require.Equal(t, []string{"look", "peek"}, b.Unchecked())
	require.Nil(t, b.Unchecked())
}

// A nil Book is that of an actor that has never had a reader.
func TestNoBookHasNoReaders(t *testing.T) {
	t.Parallel()
	var b *readers.Book[string, string]
	lent, alone := b.End(1)
	require.False(t, lent || b.Runs(1) || b.Has("a") || b.Full() || b.HasUnchecked() || b.Exited())
	require.True(t, alone)
	require.Zero(t, b.Len())
	require.Empty(t, b.All())
	b.Behind(1)
}
