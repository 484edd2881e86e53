package main

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/examples/carts/market"
	"github.com/troupe-go/troupe/examples/internal/stage/stagetest"
)

func TestMain(m *testing.M) { hosttest.Main(m) }

func TestProgram(t *testing.T) {
	t.Parallel()
	stagetest.RunTwice(t, run)
	stagetest.Take(t, tour, actors...)
}

var tea = market.Piece{Name: "tea", Price: 4_90}

func add(t *testing.T, cart market.Cart) {
	t.Helper()
	_, err := market.Add.Call(t.Context(), cart, tea)
	require.NoError(t, err)
}

func lastReport(t *testing.T, m market.Market) market.Report {
	t.Helper()
	report, err := market.LastReport.Call(t.Context(), m, nil)
	require.NoError(t, err)
	return report
}

func TestCartExpiresWhenNobodyTouchesIt(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, actors...)
	cart := troupe.GetOrCreate[market.Cart](b.Client, "anna")
	expired := make(chan market.View, 2)
	_, err := market.Expired.Subscribe(t.Context(), cart, func(_ context.Context, v market.View) error { expired <- v; return nil })
	require.NoError(t, err)
	for range 3 { // it waits anew each time
		add(t, cart)
		b.Advance(29 * time.Minute)
	}
	view, err := market.Look.Call(t.Context(), cart, nil)
	require.NoError(t, err)
	require.Len(t, view.Pieces, 3)
	require.Equal(t, 3*tea.Price, view.Total)
	require.WithinDuration(t, b.Now().Add(time.Minute), view.Expires, 30*time.Second)

	b.Advance(2 * time.Minute)
	require.Len(t, (<-expired).Pieces, 3)
	_, err = market.Look.Call(t.Context(), troupe.Get[market.Cart](b.Client, "anna"), nil)
	require.ErrorIs(t, err, troupe.ErrNotFound)
	require.Zero(t, b.NextDue())
	require.Empty(t, expired)
}

func TestCheckoutEndsTheWait(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, actors...)
	cart, m := troupe.GetOrCreate[market.Cart](b.Client, "anna"), troupe.GetOrCreate[market.Market](b.Client, mainKey)
	mails := make(chan market.Mail, 2)
	_, err := market.Confirmed.Subscribe(t.Context(), cart, func(_ context.Context, m market.Mail) error { mails <- m; return nil })
	require.NoError(t, err)
	_, err = market.Checkout.Call(t.Context(), cart, nil)
	require.ErrorIs(t, err, market.ErrEmpty)
	_, err = market.Add.Call(t.Context(), cart, market.Piece{Name: "nothing"})
	require.ErrorIs(t, err, market.ErrBadPiece)
	add(t, cart)
	order, err := market.Checkout.Call(t.Context(), cart, nil)
	require.NoError(t, err)
	require.Equal(t, market.Order{Customer: "anna", Pieces: 1, Total: tea.Price}, order)

	// The mail fails twice: what it was to do, and why it did not, can be seen.
	b.Advance(3 * time.Second)
	scheduled, err := troupe.SchedulerOf(t.Context(), cart).Schedules()
	require.NoError(t, err)
	require.Len(t, scheduled, 1)
	require.Equal(t, mailFails, scheduled[0].Attempts)
	require.Contains(t, scheduled[0].Error, "mail_down")
	b.Advance(3 * time.Second)
	require.Equal(t, market.Mail{Order: order, Attempt: mailFails + 1}, <-mails)

	b.Advance(24 * time.Hour)
	report := lastReport(t, m)
	require.Equal(t, 1, report.Orders)
	require.Equal(t, tea.Price, report.Total)
	require.Empty(t, mails)
}

// A customer who goes on shopping keeps the cart when the mail goes out.
func TestCartThatIsInUseAgainStays(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, actors...)
	cart := troupe.GetOrCreate[market.Cart](b.Client, "anna")
	add(t, cart)
	_, err := market.Checkout.Call(t.Context(), cart, nil)
	require.NoError(t, err)
	add(t, cart)
	b.Advance(10 * time.Minute)
	view, err := market.Look.Call(t.Context(), troupe.Get[market.Cart](b.Client, "anna"), nil)
	require.NoError(t, err)
	require.Len(t, view.Pieces, 1)
}

// A year of reports: each at six in Berlin, summer and winter.
func TestMarketClosesAtSix(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation(market.Zone)
	require.NoError(t, err)
	b := hosttest.Start(t, actors...)
	m := troupe.GetOrCreate[market.Market](b.Client, mainKey)
	require.NoError(t, market.Open.Create(t.Context(), m, nil))
	reports := make(chan market.Report, 400)
	_, err = market.Reported.Subscribe(t.Context(), m, func(_ context.Context, r market.Report) error { reports <- r; return nil })
	require.NoError(t, err)
	first := b.NextDue().In(berlin)
	b.AdvanceTo(first.AddDate(1, 0, -1))
	for day := range int(first.AddDate(1, 0, 0).Sub(first).Hours()+12) / 24 {
		report := <-reports
		require.Equal(t, first.AddDate(0, 0, day).Format(time.DateTime), report.Day.In(berlin).Format(time.DateTime))
		require.Equal(t, "18:00:00", report.Day.In(berlin).Format(time.TimeOnly))
		require.Zero(t, report.Missed)
	}
	require.Empty(t, reports)
}

// What was missed while no host was up is made up for by one report.
func TestReportAfterAWeekWithoutHosts(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	host := b.Host(actors...)
	m := troupe.GetOrCreate[market.Market](b.Client, mainKey)
	require.NoError(t, market.Open.Create(t.Context(), m, nil))
	due := b.NextDue()
	b.Stop(host)
	b.AdvanceTo(due.Add(7*24*time.Hour + 12*time.Hour))
	b.Host(actors...)
	b.Advance(0)
	report := lastReport(t, m)
	require.Equal(t, 7, report.Missed)
}
