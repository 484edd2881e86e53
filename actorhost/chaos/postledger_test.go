//go:build chaos && unix

package chaos_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// postYield is what messages have come to.
type postYield struct{ posted, filed, handled, dead, unknown, lost, double, early int }

func (y *postYield) String() string {
	return fmt.Sprintf("%d messages, %d of them in order, %d perhaps not stored; %d handled, %d dead letters; %d lost, %d double, %d too early",
		y.posted, y.filed, y.unknown, y.handled, y.dead, y.lost, y.double, y.early)
}

// countPost is how often each message was handled.
func countPost(noted map[string][]int32) map[int32]int {
	handled := map[int32]int{}
	for _, ids := range noted {
		for _, id := range ids {
			handled[id]++
		}
	}
	return handled
}

// checkFiled looks whether the messages of one poster that are in order were handled so. Each was acknowledged before the next was
// posted, but those of which nobody knows.
func checkFiled(posted []posted, noted map[string][]int32, y *postYield) (faults []string) {
	last := map[string]int{} // of each post office, the place of the last
	for _, p := range posted {
		if !p.Parcel.Filed {
			continue
		}
		y.filed++
		at := slices.Index(noted[p.To], p.Parcel.ID) + 1
		switch {
		case p.Unknown || at == 0:
		case at < last[p.To]:
			y.early++
			faults = append(faults, fmt.Sprintf("%+v was handled before the one that was posted before", p))
		default:
			last[p.To] = at
		}
	}
	return faults
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

func TestFiledLedger(t *testing.T) {
	t.Parallel()
	file := func(id int32, to string) posted {
		return posted{relayed: relayed{To: to, Parcel: parcel{ID: id, Filed: true}}}
	}
	other, unknown := file(2, "a"), file(2, "a")
	other.Parcel.Filed, unknown.Unknown = false, true
	for name, of := range map[string]struct {
		second posted
		noted  []int32
		faults int
	}{
		"in order":             {file(2, "a"), []int32{1, 2}, 0},
		"not in order":         {file(2, "a"), []int32{2, 1}, 1},
		"one is a dead letter": {file(2, "a"), []int32{2}, 0},
		"elsewhere":            {file(2, "b"), []int32{2, 1}, 0},
		"in no order":          {other, []int32{2, 1}, 0},
		"who knows":            {unknown, []int32{2, 1}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			faults := checkFiled([]posted{file(1, "a"), of.second}, map[string][]int32{"a": of.noted}, new(postYield))
			require.Len(t, faults, of.faults, "%q", faults)
		})
	}
}
