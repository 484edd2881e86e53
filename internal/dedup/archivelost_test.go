package dedup_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/internal/dedup"
)

// TestArchiveThatIsLostWhileSomethingIsOnItsWay: where that is says nothing about the archive that is begun then.
func TestArchiveThatIsLostWhileSomethingIsOnItsWay(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		blocks int // before it
	}{{"a block", 3}, {"an index", 32}} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, calls := new(dedup.Answers), 0
			add := func() {
				for range 20 {
					s.Add(named(fmt.Sprint(calls), "add", ""), output(fmt.Sprint(calls)))
					calls++
				}
				write(s)
			}
			for n := range test.blocks {
				add()
				require.NotNil(t, s.Block())
				s.Sent(dedup.Ref{Sequence: uint64(n + 1)}, 1)
			}
			add()
			require.NotNil(t, s.Block())
			s.Lost()
			require.Nil(t, s.Block(), "one thing at a time")
			s.Sent(dedup.Ref{Sequence: 99}, 1)
			require.Zero(t, s.Archived())
			requireFound(t, s, fmt.Sprint(calls-1), named(fmt.Sprint(calls-1), "add", ""))
			require.NotNil(t, s.Block(), "what was on its way is sent again")
			s.Sent(dedup.Ref{Sequence: 1}, 2)
			require.EqualValues(t, 2, s.Archived())
		})
	}
}
