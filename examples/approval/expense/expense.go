// Package expense is the contract of expenses that somebody has to approve.
package expense

import "github.com/troupe-go/troupe"

// Expense refers to one expense.
type Expense struct{ troupe.Ref }

// ActorType implements troupe.Reference.
func (Expense) ActorType() string { return "expense" }

var (
	// Approve asks for a decision, and waits for it.
	Approve = troupe.NewWorkflow[Expense, Claim, string]("approve")
	// Decided is the decision.
	Decided = troupe.NewSignal[Expense, Decision]("decided")
	// Asked tells that a decision is wanted.
	Asked = troupe.NewEvent[Expense, Claim]("asked")

	// ErrRefused is that of a claim that somebody has refused.
	ErrRefused = troupe.NewError("refused", "the claim was refused")
)

// Claim is money that somebody wants back.
type Claim struct {
	Who      string `json:"who"`
	What     string `json:"what"`
	Cents    int    `json:"cents"`
	Patience int    `json:"patience,omitempty"` // seconds to wait for a decision; default three days
}

// Decision is what somebody says to a claim.
type Decision struct {
	By string `json:"by"`
	OK bool   `json:"ok"`
}
