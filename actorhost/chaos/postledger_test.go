//go:build chaos && unix

package chaos_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// postYield is what messages have come to.
type postYield struct{ posted, handled, dead, unknown, lost, double int }

func (y *postYield) String() string {
	return fmt.Sprintf("%d messages, %d of them perhaps not stored; %d handled, %d dead letters; %d lost, %d double",
		y.posted, y.unknown, y.handled, y.dead, y.lost, y.double)
}

// checkPost compares what was posted with what was handled, and with the dead letters.
func checkPost(sent []posted, handled, dead map[int32]int, y *postYield) (faults []string) {
	find := func(count *int, p posted, format string, args ...any) {
		*count++
		faults = append(faults, fmt.Sprintf("%+v ", p)+fmt.Sprintf(format, args...))
	}
	for _, p := range sent {
		id := p.Parcel.ID
		y.posted++
		if p.Unknown {
			y.unknown++
		}
		y.handled, y.dead = y.handled+min(handled[id], 1), y.dead+min(dead[id], 1)
		most := postRetries.Attempts
		switch n := handled[id] + dead[id]; {
		case n > 1:
			find(&y.double, p, "was handled %d times, and is %d dead letters", handled[id], dead[id])
		case n == 0 && !p.Unknown:
			find(&y.lost, p, "is lost")
		case p.Parcel.Fails >= most && handled[id] > 0:
			find(&y.double, p, "was handled, and always fails")
		case p.Parcel.Fails == 0 && !p.Parcel.Risky && dead[id] > 0:
			find(&y.lost, p, "was given up, and never fails")
		}
	}
	return faults
}

// TestPostLedger has what no post office must tell, and what one may, be told of message 1.
func TestPostLedger(t *testing.T) {
	t.Parallel()
	plain := posted{relayed: relayed{Parcel: parcel{ID: 1}}}
	unknown, risky, doomed := plain, plain, plain
	unknown.Unknown, risky.Parcel.Risky, doomed.Parcel.Fails = true, true, 1000
	for name, of := range map[string]struct {
		posted        posted
		handled, dead int
		faults        int
	}{
		"handled":           {plain, 1, 0, 0},
		"lost":              {plain, 0, 0, 1},
		"twice":             {plain, 2, 0, 1},
		"given up":          {plain, 0, 1, 1},
		"perhaps":           {unknown, 0, 0, 0},
		"perhaps twice":     {unknown, 2, 0, 1},
		"refused":           {risky, 0, 1, 0},
		"refused and not":   {risky, 1, 1, 1},
		"always fails":      {doomed, 0, 1, 0},
		"two dead letters":  {doomed, 0, 2, 1},
		"fails and is done": {doomed, 1, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			faults := checkPost([]posted{of.posted}, map[int32]int{1: of.handled}, map[int32]int{1: of.dead}, new(postYield))
			require.Len(t, faults, of.faults, "%q", faults)
		})
	}
}
