package hosttest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
)

type (
	Payout struct{ troupe.Ref }
	Purse  struct{ troupe.Ref }
)

func (Payout) ActorType() string { return "payout" }
func (Purse) ActorType() string  { return "purse" }

var (
	PayOut = troupe.NewWorkflow[Payout, int, int]("payOut")
	Take   = troupe.NewAction[Purse, int, int]("take")
)

func payOut(w *actorhost.Flow[struct{}], cents int) (left int, err error) {
	return actorhost.Step(w, "take", func(c *actorhost.StepContext) (int, error) {
		return Take.Call(c, troupe.GetOrCreate[Purse](w, "main"), cents)
	})
}

var payouts = []actorhost.Definition{
	actorhost.Define(func() struct{} { return struct{}{} }, actorhost.OnWorkflow(PayOut, payOut)),
	actorhost.Define(func() int { return 10_00 }, actorhost.On(Take, func(left *int, _ *actorhost.Context, cents int) (int, error) {
		*left -= cents
		return *left, nil
	})),
}

// The host dies when the money is taken, and that is not remembered yet. The step runs again on another host, and takes it once.
func ExampleBus_CrashAfter() {
	runTest(func(t *testing.T) { //nolint:thelper // as func TestMoneyIsTakenOnce(t *testing.T)
		t.Parallel()
		b := hosttest.Start(t, payouts...)
		b.CrashAfter("take")
		left, err := PayOut.Run(t.Context(), troupe.GetOrCreate[Payout](b.Client, "p1"), 3_00)
		require.NoError(t, err)
		require.Equal(t, 7_00, left)
	})
	// Output: ok
}
