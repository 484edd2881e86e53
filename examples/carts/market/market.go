package market

import (
	"time"

	"github.com/troupe-go/troupe"
)

// Market refers to a market, which reports every day what it has sold.
type Market struct{ troupe.Ref }

// ActorType implements troupe.Reference.
func (Market) ActorType() string { return "market" }

// Actions and events of a market.
var (
	// Open opens a market. So does the first call.
	Open = troupe.NewConstructor[Market, troupe.None]()
	// Sell notes an order.
	Sell = troupe.NewAction[Market, Order, troupe.None]("sell")
	// LastReport returns the last report, which is empty before the first.
	LastReport = troupe.NewAction[Market, troupe.None, Report]("lastReport")
	// CloseDay is what a market has scheduled for the end of each day. It makes a report.
	CloseDay = troupe.NewAction[Market, troupe.None, troupe.None]("closeDay")

	// Reported tells of each report.
	Reported = troupe.NewEvent[Market, Report]("reported")
)

// When a market makes its report: a cron expression and a time zone, under the name of the schedule.
const (
	Closing = "closing"
	Closes  = "0 18 * * *"
	Zone    = "Europe/Berlin"
)

// Report is what a market has sold since the one before.
type Report struct {
	Day    time.Time `json:"day,omitzero"` // when it was due
	Missed int       `json:"missed"`       // how many reports before it were not made
	Orders int       `json:"orders"`
	Total  int       `json:"total"` // in cents
}
