//go:build chaos && unix

package chaos_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestBankLedger has what no account must tell, and what one may, be told of order 1: 5 from account 0 to account 1.
func TestBankLedger(t *testing.T) {
	t.Parallel()
	const id = "bank-1"
	for name, of := range map[string]struct {
		request  request
		out, in  []int32 // of accounts 0 and 1
		balances [2]int
		want     []string // what the findings are about
	}{
		"done":                 {request{Outcome: acknowledged, ID: id}, []int32{-1}, []int32{1}, [2]int{995, 1005}, nil},
		"not done":             {request{Outcome: refused}, nil, nil, [2]int{1000, 1000}, nil},
		"perhaps":              {request{Outcome: unknown, Late: true}, nil, nil, [2]int{1000, 1000}, nil},
		"half done":            {request{Outcome: unknown, Late: true}, []int32{-1}, nil, [2]int{995, 1000}, nil},
		"half done, stopped":   {request{Outcome: halted}, []int32{-1}, nil, [2]int{995, 1000}, nil},
		"unknown, done":        {request{Outcome: unknown, Late: true}, []int32{-1}, []int32{1}, [2]int{995, 1005}, nil},
		"lost":                 {request{Outcome: acknowledged}, nil, nil, [2]int{1000, 1000}, []string{"withdrawn never, deposited never"}},
		"the other half":       {request{Outcome: halted}, nil, []int32{1}, [2]int{1000, 1005}, []string{"withdrawn never, deposited once", "differ by 5"}},
		"half, acknowledged":   {request{Outcome: acknowledged}, []int32{-1}, nil, [2]int{995, 1000}, []string{"deposited never", "differ by -5"}},
		"refused, and done":    {request{Outcome: refused}, []int32{-1}, []int32{1}, [2]int{995, 1005}, []string{"withdrawn once, deposited once"}},
		"twice":                {request{Outcome: acknowledged}, []int32{-1, -1}, []int32{1, 1}, [2]int{990, 1010}, []string{"withdrawn 2 times, deposited 2 times"}},
		"unknown and twice":    {request{Outcome: unknown, Late: true}, []int32{-1}, []int32{1, 1}, [2]int{995, 1010}, []string{"deposited 2 times", "differ by 5"}},
		"in time, yet unknown": {request{Outcome: unknown}, nil, nil, [2]int{1000, 1000}, []string{"had time left"}},
		"never acknowledged":   {request{Outcome: unknown, Late: true, ID: id}, nil, nil, [2]int{1000, 1000}, []string{"never acknowledged"}},
		"a wrong balance":      {request{Outcome: acknowledged}, []int32{-1}, []int32{1}, [2]int{995, 1004}, []string{"has 1004, and its payments make 1005", "differ by -1"}},
		"a wrong account":      {request{Outcome: refused}, []int32{1}, nil, [2]int{1005, 1000}, []string{"1 payments that are of no order", "differ by 5"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLedger(2)
			l[0].add(statement{of.balances[0], 0, of.out})
			l[1].add(statement{of.balances[1], 0, of.in})
			of.request.order = order{Number: 1, From: 0, To: 1, Amount: 5}
			faults, _ := l.check([]request{of.request})
			require.Len(t, faults, len(of.want), "%q", faults)
			for i, want := range of.want {
				require.Contains(t, faults[i], want)
			}
		})
	}
}

func TestBankStatements(t *testing.T) {
	t.Parallel()
	b := &newLedger(1)[0]
	require.True(t, b.add(statement{1005, 0, []int32{1}}))
	require.False(t, b.add(statement{1005, 0, []int32{1}}))
	require.True(t, b.add(statement{1003, 0, []int32{1, -2}}))
	require.True(t, b.add(statement{1006, 2, []int32{3}}))
	require.Equal(t, map[int32]int{1: 1, -2: 1, 3: 1}, b.payments)
	require.Empty(t, b.faults)
	b.add(statement{1003, 0, []int32{1, -2}})
	require.Equal(t, []string{"has told of 3 payments, and then of numbers 0 to 2"}, b.faults)
	require.Equal(t, 2, b.known)
	b.add(statement{1003, 4, []int32{4}})
	require.Len(t, b.faults, 2)
	require.Equal(t, map[int32]int{1: 1, -2: 1, 3: 1, 4: 1}, b.payments)
}
