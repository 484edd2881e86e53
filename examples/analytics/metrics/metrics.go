// Package metrics is the contract of actors that count, and of one that makes a report of them.
//
// The three that count have actions of the same names. A name on the wire belongs to one actor type; the Go variables
// have names of their own, and a method of each reference makes the calls read alike.
package metrics

import (
	"context"
	"time"

	"github.com/troupe-go/troupe"
)

// UserMetrics refers to what counts users.
type UserMetrics struct{ troupe.Ref }

// ActorType implements troupe.Reference.
func (UserMetrics) ActorType() string { return "userMetrics" }

// OrderMetrics refers to what counts orders.
type OrderMetrics struct{ troupe.Ref }

// ActorType implements troupe.Reference.
func (OrderMetrics) ActorType() string { return "orderMetrics" }

// SystemMetrics refers to what counts the events of a system.
type SystemMetrics struct{ troupe.Ref }

// ActorType implements troupe.Reference.
func (SystemMetrics) ActorType() string { return "systemMetrics" }

// Analytics refers to what makes reports.
type Analytics struct{ troupe.Ref }

// ActorType implements troupe.Reference.
func (Analytics) ActorType() string { return "analytics" }

// Actions that count: a value is recorded, and the stats are those of all values so far.
var (
	GetUserStats   = troupe.NewAction[UserMetrics, troupe.None, Stats]("getStats")
	GetOrderStats  = troupe.NewAction[OrderMetrics, troupe.None, Stats]("getStats")
	GetSystemStats = troupe.NewAction[SystemMetrics, troupe.None, Stats]("getStats")

	RecordUser   = troupe.NewAction[UserMetrics, int, Stats]("record")
	RecordOrder  = troupe.NewAction[OrderMetrics, int, Stats]("record")
	RecordSystem = troupe.NewAction[SystemMetrics, int, Stats]("record")
)

// GetStats calls GetUserStats.
func (m UserMetrics) GetStats(ctx context.Context) (Stats, error) {
	return GetUserStats.Call(ctx, m, nil)
}

// GetStats calls GetOrderStats.
func (m OrderMetrics) GetStats(ctx context.Context) (Stats, error) {
	return GetOrderStats.Call(ctx, m, nil)
}

// GetStats calls GetSystemStats.
func (m SystemMetrics) GetStats(ctx context.Context) (Stats, error) {
	return GetSystemStats.Call(ctx, m, nil)
}

// Record calls RecordUser.
func (m UserMetrics) Record(ctx context.Context, value int) (Stats, error) {
	return RecordUser.Call(ctx, m, value)
}

// Record calls RecordOrder.
func (m OrderMetrics) Record(ctx context.Context, value int) (Stats, error) {
	return RecordOrder.Call(ctx, m, value)
}

// Record calls RecordSystem.
func (m SystemMetrics) Record(ctx context.Context, value int) (Stats, error) {
	return RecordSystem.Call(ctx, m, value)
}

var (
	// GenerateReport asks the three for their stats at once and keeps the report. When one of them fails there is no
	// report.
	GenerateReport = troupe.NewAction[Analytics, string, Report]("generateReport")
	// ListReports returns the latest reports, the oldest first.
	ListReports = troupe.NewAction[Analytics, troupe.None, []Report]("listReports")
)

// Stats is what a metric has counted.
type Stats struct {
	Count int `json:"count"`
	Total int `json:"total"`
}

// Report is what Analytics makes.
type Report struct {
	ID          string    `json:"id"`
	Type        string    `json:"type"`
	Data        Data      `json:"data"`
	GeneratedAt time.Time `json:"generatedAt"`
}

// Data is the stats in a report.
type Data struct {
	Users  Stats `json:"users"`
	Orders Stats `json:"orders"`
	System Stats `json:"system"`
}
