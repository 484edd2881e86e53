//go:build chaos && unix

package chaos_test

import (
	"fmt"
	"strings"
)

// ledger is what each account has told.
type ledger []book

// book is what one account has told.
type book struct {
	balance  int
	known    int           // how many payments
	payments map[int32]int // how often, by order; an order by which it has paid is negative
	faults   []string
}

func newLedger(accounts int) ledger {
	l := make(ledger, accounts)
	for i := range l {
		l[i] = book{balance: openingBalance, payments: map[int32]int{}}
	}
	return l
}

// add adds a statement, and reports whether it tells anything new.
func (b *book) add(s statement) bool {
	end := s.First + len(s.Orders)
	if s.First > b.known || end < b.known {
		b.faults = append(b.faults, fmt.Sprintf("has told of %d payments, and then of numbers %d to %d", b.known, s.First, end))
		b.known = max(s.First, min(b.known, end))
	}
	for _, order := range s.Orders[b.known-s.First:] {
		b.payments[order]++
	}
	fresh := end > b.known
	b.balance, b.known = s.Balance, end
	return fresh
}

// sum is how many payments the account has told of, and what they make.
func (b *book) sum(amounts map[int32]int) (payments, balance int) {
	balance = openingBalance
	for order, n := range b.payments {
		payments += n
		if order > 0 {
			balance += n * amounts[order]
		} else {
			balance -= n * amounts[-order]
		}
	}
	return payments, balance
}

// tally is what has become of the requests of a run.
type tally struct {
	outcomes                    map[string]int
	again, twice, half, missing int
	difference                  int // of all balances from what they were, but for orders that may be half done
}

func (y *tally) String() string {
	return fmt.Sprintf("%d acknowledged (%d of them after more than one call), %d refused, %d stopped, %d unknown; "+
		"%d half done as they may be, %d twice, %d missing; difference %d",
		y.outcomes[acknowledged], y.again, y.outcomes[refused], y.outcomes[halted], y.outcomes[unknown],
		y.half, y.twice, y.missing, y.difference)
}

// check compares the requests with the payments of the accounts. An acknowledged order has one of each kind, a refused
// one none. The others were called once: when the time of that call has run out, or the teller has given up, the order
// may be done, or not, or by half: withdrawn and not deposited.
func (l ledger) check(requests []request) (faults []string, y *tally) {
	y = &tally{outcomes: map[string]int{}}
	amounts := make(map[int32]int, len(requests))
	found := 0
	for _, r := range requests {
		amounts[r.Number] = r.Amount
		out, in := l[r.From].payments[-r.Number], l[r.To].payments[r.Number]
		found += out + in
		y.note(r, out, in)
		if !r.allows(out, in) {
			faults = append(faults, fmt.Sprintf("%s: withdrawn %s, deposited %s", r, times(out), times(in)))
		} else if out != in {
			y.half++
			y.difference += r.Amount
		}
		switch {
		case r.ID != "" && r.Outcome != acknowledged:
			faults = append(faults, fmt.Sprintf("%s was made again and again, and never acknowledged", r))
		case r.Outcome == unknown && !r.Late && !r.Full:
			faults = append(faults, fmt.Sprintf("%s had time left", r))
		}
	}
	for i, b := range l {
		for _, fault := range b.faults {
			faults = append(faults, fmt.Sprintf("account %d %s", i, fault))
		}
		payments, balance := b.sum(amounts)
		if balance != b.balance {
			faults = append(faults, fmt.Sprintf("account %d has %d, and its payments make %d", i, b.balance, balance))
		}
		found -= payments
		y.difference += b.balance - openingBalance
	}
	if found != 0 {
		faults = append(faults, fmt.Sprintf("the accounts have %d payments that are of no order, or of another account's", -found))
	}
	if y.difference != 0 {
		faults = append(faults, fmt.Sprintf("the balances differ by %d from what they were", y.difference))
	}
	return faults, y
}

func (y *tally) note(r request, out, in int) {
	y.outcomes[r.Outcome]++
	if r.Outcome == acknowledged && r.Calls > 1 {
		y.again++
	}
	if out > 1 || in > 1 {
		y.twice++
	}
	if r.Outcome == acknowledged && min(out, in) == 0 {
		y.missing++
	}
}

// allows reports whether an order may have been withdrawn and deposited that often.
func (r request) allows(out, in int) bool {
	switch r.Outcome {
	case acknowledged:
		return out == 1 && in == 1
	case refused:
		return out == 0 && in == 0
	default:
		return out <= 1 && in <= out
	}
}

func (r request) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "order %d, %d from account %d to %d by teller %d", r.Number, r.Amount, r.From, r.To, r.Teller)
	if r.ID != "" {
		fmt.Fprintf(&s, " with id %s, %d calls", r.ID, r.Calls)
	}
	fmt.Fprintf(&s, " (%s", r.Outcome)
	if r.Error != "" {
		fmt.Fprintf(&s, ": %s", r.Error)
	}
	return s.String() + ")"
}

func times(n int) string {
	switch n {
	case 0:
		return "never"
	case 1:
		return "once"
	default:
		return fmt.Sprint(n, " times")
	}
}
