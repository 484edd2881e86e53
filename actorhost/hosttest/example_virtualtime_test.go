package hosttest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
)

type Session struct{ troupe.Ref }

func (Session) ActorType() string { return "session" }

var (
	Login = troupe.NewAction[Session, time.Duration, troupe.None]("login")
	Check = troupe.NewAction[Session, troupe.None, troupe.None]("check")

	ErrExpired = troupe.NewError("expired", "log in again")
)

type sessionState struct{ Until time.Time }

func (s *sessionState) login(_ *actorhost.Context, last time.Duration) error {
	s.Until = time.Now().Add(last)
	return nil
}

func (s *sessionState) check(*actorhost.Context) error {
	if time.Now().After(s.Until) {
		return ErrExpired
	}
	return nil
}

var sessions = actorhost.Define(func() sessionState { return sessionState{} },
	actorhost.On(Login, actorhost.NoOut((*sessionState).login)),
	actorhost.On(Check, actorhost.NoInNoOut((*sessionState).check)))

// In a bubble of testing/synctest an hour passes at once, for actors, deadlines and leases. Such a test is not parallel.
func Example_virtualTime() {
	runTest(func(t *testing.T) { //nolint:thelper // as func TestExpires(t *testing.T)
		synctest.Test(t, func(t *testing.T) {
			b := hosttest.Start(t)
			host := b.Host(sessions)
			session := troupe.GetOrCreate[Session](b.Client, "anna")
			_, err := Login.Call(t.Context(), session, time.Hour)
			require.NoError(t, err)

			time.Sleep(59 * time.Minute)
			require.Zero(t, host.Active()) // it fell asleep long ago
			_, err = Check.Call(t.Context(), session, nil)
			require.NoError(t, err)

			time.Sleep(2 * time.Minute)
			_, err = Check.Call(t.Context(), session, nil)
			require.ErrorIs(t, err, ErrExpired)
		})
	})
	// Output: ok
}
