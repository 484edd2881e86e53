//go:build chaos && unix

package chaos_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/troupe-go/troupe"
)

// request is an order, and how it has ended for its caller.
type request struct {
	order
	Teller  int    `json:"teller"`
	ID      string `json:"id,omitempty"` // with one, it was made again until it was acknowledged
	Calls   int    `json:"calls"`
	Outcome string `json:"outcome"`
	Late    bool   `json:"late,omitempty"` // the time of the only call had run out
	Full    bool   `json:"full,omitempty"` // the teller had no room for what it has done
	Error   string `json:"error,omitempty"`
}

// halted is an outcome, beside those of operations: the teller says that it was not able to make one of its calls.
const halted = "stopped"

// call makes requests until ctx is done, and the last of them again until give is.
func (b *bank) call(ctx, give context.Context, number int) {
	random := rand.New(rand.NewPCG(b.sc.seed, uint64(1000+number)))
	for ctx.Err() == nil {
		r := b.draw(random)
		if r.ID == "" {
			b.once(give, &r, random)
		} else {
			b.untilAcknowledged(give, &r, random)
		}
		b.mu.Lock()
		b.requests = append(b.requests, r)
		b.mu.Unlock()
	}
}

// draw makes a request. Half of them have an id that the caller gives.
func (b *bank) draw(random *rand.Rand) request {
	from := random.IntN(b.size.accounts)
	to := (from + 1 + random.IntN(b.size.accounts-1)) % b.size.accounts
	r := request{Teller: random.IntN(tellers), order: order{
		Number: b.orders.Add(1), From: from, To: to, Amount: 1 + random.IntN(9), Named: b.named, Counted: random.IntN(2) == 0,
	}}
	if random.IntN(2) == 0 {
		r.ID = fmt.Sprint("bank-", r.Number)
	}
	return r
}

func (b *bank) once(ctx context.Context, r *request, random *rand.Rand) {
	err := b.make(ctx, r, random, callTimeout)
	r.Late = errors.Is(err, context.DeadlineExceeded)
	r.Full = strings.Contains(r.Error, "JetStream storage")
}

// untilAcknowledged makes a request again and again, each time as a new call, and perhaps from another program.
func (b *bank) untilAcknowledged(ctx context.Context, r *request, random *rand.Rand) {
	ctx = troupe.WithRequestID(ctx, r.ID)
	for ctx.Err() == nil {
		if b.make(ctx, r, random, callTimeout/3) == nil {
			return
		}
	}
}

// make makes one call, and notes how it has ended.
func (b *bank) make(ctx context.Context, r *request, random *rand.Rand, within time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	c := b.clients[random.IntN(connections)]
	_, err := transfer.Call(ctx, troupe.GetOrCreate[teller](c, fmt.Sprint(r.Teller)), r.order)
	r.Calls++
	r.Outcome, r.Error = outcome(err), ""
	if errors.Is(err, errStopped) {
		r.Outcome = halted
	}
	if err != nil {
		r.Error = err.Error()
		sometime(random, shortly) // what is gone takes a while to come back
	}
	return err
}
