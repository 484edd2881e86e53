package hosttest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
)

type Ticket struct{ troupe.Ref }

func (Ticket) ActorType() string { return "ticket" }

var (
	Ask     = troupe.NewAction[Ticket, string, troupe.None]("ask")
	Approve = troupe.NewAction[Ticket, string, troupe.None]("approve")
	Remind  = troupe.NewAction[Ticket, troupe.None, troupe.None]("remind")
	GiveUp  = troupe.NewAction[Ticket, troupe.None, troupe.None]("giveUp")
	Status  = troupe.NewAction[Ticket, troupe.None, string]("status")
)

type ticketState struct {
	Status    string
	Reminders int
}

// ask asks for an approval: reminds every day, and gives up after three.
func (s *ticketState) ask(c *actorhost.Context, what string) error {
	s.Status = "waiting: " + what
	if _, err := Remind.Every(c, 24*time.Hour, nil, troupe.Named("remind")); err != nil {
		return err
	}
	_, err := GiveUp.After(c, 71*time.Hour, nil, troupe.Named("deadline"))
	return err
}

func (s *ticketState) approve(c *actorhost.Context, by string) error {
	s.Status = "approved by " + by
	return endWaiting(c)
}

func (s *ticketState) giveUp(c *actorhost.Context) error {
	s.Status = "nobody has decided"
	return endWaiting(c)
}

func (s *ticketState) remind(*actorhost.Context) error { s.Reminders++; return nil }

func (s *ticketState) status(*actorhost.Context) (string, error) { return s.Status, nil }

func endWaiting(c *actorhost.Context) error {
	for _, name := range []string{"remind", "deadline"} {
		if _, err := c.Unschedule(name); err != nil {
			return err
		}
	}
	return nil
}

var tickets = actorhost.Define(func() ticketState { return ticketState{} },
	actorhost.On(Ask, actorhost.NoOut((*ticketState).ask)),
	actorhost.On(Approve, actorhost.NoOut((*ticketState).approve)),
	actorhost.On(Remind, actorhost.NoInNoOut((*ticketState).remind)),
	actorhost.On(GiveUp, actorhost.NoInNoOut((*ticketState).giveUp)),
	actorhost.On(Status, actorhost.NoIn((*ticketState).status)))

// Three days pass in some milliseconds, with all that is due on the way. The test may be parallel.
func ExampleBus_Advance() {
	runTest(func(t *testing.T) { //nolint:thelper // as func TestNobodyDecides(t *testing.T)
		t.Parallel()
		b := hosttest.Start(t, tickets)
		ticket := troupe.GetOrCreate[Ticket](b.Client, "t1")
		_, err := Ask.Call(t.Context(), ticket, "a new chair")
		require.NoError(t, err)

		b.Advance(70 * time.Hour)
		status, err := Status.Call(t.Context(), ticket, nil)
		require.NoError(t, err)
		require.Equal(t, "waiting: a new chair", status)

		b.Advance(2 * time.Hour)
		status, err = Status.Call(t.Context(), ticket, nil)
		require.NoError(t, err)
		require.Equal(t, "nobody has decided", status)
		require.Zero(t, b.NextDue()) // it reminds no more
	})
	// Output: ok
}

// A test can go from one due time to the next, and look in between.
func ExampleBus_NextDue() {
	runTest(func(t *testing.T) { //nolint:thelper // as func TestReminders(t *testing.T)
		t.Parallel()
		b := hosttest.Start(t, tickets)
		ticket := troupe.GetOrCreate[Ticket](b.Client, "t1")
		asked := b.Now()
		_, err := Ask.Call(t.Context(), ticket, "a new chair")
		require.NoError(t, err)

		for _, after := range []time.Duration{24 * time.Hour, 48 * time.Hour, 71 * time.Hour} {
			require.WithinDuration(t, asked.Add(after), b.NextDue(), time.Minute)
			b.AdvanceTo(b.NextDue())
		}
		require.Zero(t, b.NextDue())
	})
	// Output: ok
}
