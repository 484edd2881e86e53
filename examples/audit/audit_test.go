package main

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/examples/audit/company"
	"github.com/troupe-go/troupe/examples/internal/stage/stagetest"
)

func TestMain(m *testing.M) { hosttest.Main(m) }

func TestProgram(t *testing.T) {
	t.Parallel()
	stagetest.RunTwice(t, run)
	stagetest.Take(t, tour, actors...)
}

func startAuditing(t *testing.T, auditLog company.AuditLog) {
	t.Helper()
	status, err := company.StartAuditing.Call(t.Context(), auditLog, nil)
	require.NoError(t, err)
	require.Equal(t, "auditing started", status.Status)
}

func createUser(t *testing.T, c *client.Client, name string) company.User {
	t.Helper()
	user, err := company.CreateUser.Call(t.Context(), troupe.GetOrCreate[company.Users](c, "main"), name)
	require.NoError(t, err)
	return user
}

// tap follows what a log says that it has logged.
func tap(t *testing.T, auditLog company.AuditLog) <-chan company.Entry {
	t.Helper()
	logged := make(chan company.Entry, 10_000)
	_, err := company.Logged.Subscribe(t.Context(), auditLog, func(_ context.Context, entry company.Entry) error {
		logged <- entry
		return nil
	})
	require.NoError(t, err)
	return logged
}

func TestEventRightAfterStartIsLogged(t *testing.T) {
	t.Parallel()
	for _, hosts := range []int{1, 3} {
		t.Run(strconv.Itoa(hosts)+" hosts", func(t *testing.T) {
			t.Parallel()
			b := hosttest.Start(t)
			for range hosts {
				b.Host(actors...)
			}
			for i := range 50 { // each a log of its own, which has never listened before
				auditLog := troupe.GetOrCreate[company.AuditLog](b.Client, strconv.Itoa(i))
				logged := tap(t, auditLog)
				startAuditing(t, auditLog)
				user := createUser(t, b.Client, "Ada")
				entry := <-logged
				require.Equal(t, company.UserCreated.Name(), entry.Event)
				require.Equal(t, &user, entry.User)
				require.Nil(t, entry.Order)
				require.WithinDuration(t, time.Now(), entry.Timestamp, time.Minute)
			}
		})
	}
}

func TestStartedTwiceLogsOnce(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, actors...)
	auditLog := troupe.GetOrCreate[company.AuditLog](b.Client, "main")
	logged := tap(t, auditLog)
	for range 3 {
		startAuditing(t, auditLog)
	}
	first := createUser(t, b.Client, "Ada")
	order, err := company.CompleteOrder.Call(t.Context(), troupe.GetOrCreate[company.Orders](b.Client, "main"), 49_90)
	require.NoError(t, err)
	last := createUser(t, b.Client, "Grace")

	// A second entry of the first user would stand before that of the last one.
	for range 3 {
		<-logged
	}
	logs, err := company.GetLogs.Call(t.Context(), auditLog, nil)
	require.NoError(t, err)
	require.Len(t, logs, 3)
	ids := []string{logs[0].ID(), logs[1].ID(), logs[2].ID()}
	require.ElementsMatch(t, []string{first.ID, order.ID, last.ID}, ids)
}

// Handlers of events touch the state while actions do: the race detector sees whether they are turns.
func TestHandlersRunAsTurns(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, actors...)
	auditLog := troupe.GetOrCreate[company.AuditLog](b.Client, "main")
	logged := tap(t, auditLog)
	startAuditing(t, auditLog)
	const callers, each = 8, 25
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for range each {
				if _, err := company.CreateUser.Call(t.Context(), troupe.GetOrCreate[company.Users](b.Client, "main"), "Ada"); err != nil {
					t.Error(err)
				}
				if _, err := company.GetLogs.Call(t.Context(), auditLog, nil); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	seen := make(map[string]bool)
	for range callers * each {
		entry := <-logged
		require.False(t, seen[entry.ID()], "logged twice")
		seen[entry.ID()] = true
	}
	logs, err := company.GetLogs.Call(t.Context(), auditLog, nil)
	require.NoError(t, err)
	require.Len(t, logs, callers*each)
}

// The log's host dies in the middle of a burst of events.
func TestEveryEventIsLoggedOnceThoughTheHostDies(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, actors[0], actors[1])
	doomed := b.Host(actors[2])
	auditLog := troupe.GetOrCreate[company.AuditLog](b.Client, "main")
	logged := tap(t, auditLog)
	startAuditing(t, auditLog)
	const callers, each = 8, 50
	ids := make(chan string, 2*callers*each)
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for range each {
				user, err := company.CreateUser.Call(t.Context(), troupe.GetOrCreate[company.Users](b.Client, "main"), "Ada")
				if err != nil {
					t.Error(err)
				}
				order, err := company.CompleteOrder.Call(t.Context(), troupe.GetOrCreate[company.Orders](b.Client, "main"), 1)
				if err != nil {
					t.Error(err)
				}
				ids <- user.ID
				ids <- order.ID
			}
		})
	}
	for range callers * each / 4 {
		<-logged
	}
	b.Kill(doomed)
	b.Host(actors[2])
	wg.Wait()
	close(ids)
	var happened []string
	for id := range ids {
		happened = append(happened, id)
	}
	var logs []company.Entry
	require.Eventually(t, func() bool {
		var err error
		logs, err = company.GetLogs.Call(t.Context(), auditLog, nil)
		require.NoError(t, err)
		return len(logs) >= len(happened)
	}, time.Minute, 10*time.Millisecond)
	found := make([]string, 0, len(logs))
	for _, entry := range logs {
		found = append(found, entry.ID())
	}
	require.ElementsMatch(t, happened, found)
}

// In virtual time, so it must not be parallel.
func TestSleepingLogMissesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := hosttest.Start(t)
		first := b.Host(actors...)
		auditLog := troupe.GetOrCreate[company.AuditLog](b.Client, "main")
		startAuditing(t, auditLog)
		var want []string
		for _, name := range []string{"Ada", "Grace", "Linus"} {
			time.Sleep(time.Hour) //nolint:forbidigo // virtual time
			require.Zero(t, first.Active())
			want = append(want, createUser(t, b.Client, name).ID)
		}
		b.Stop(first)
		b.Host(actors...)
		want = append(want, createUser(t, b.Client, "Barbara").ID)
		time.Sleep(time.Minute) //nolint:forbidigo // virtual time

		logs, err := company.GetLogs.Call(t.Context(), auditLog, nil)
		require.NoError(t, err)
		require.Len(t, logs, len(want))
		for i, id := range want {
			require.Equal(t, id, logs[i].ID())
		}
	})
}

// The log keeps all, and shows the latest.
func TestLogShowsTheLatest(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, actors[0], actorhost.Define(func() auditLogState { return auditLogState{} },
		actorhost.On(company.StartAuditing, actorhost.NoIn((*auditLogState).startAuditing)),
		actorhost.On(company.GetLogs, actorhost.NoIn((*auditLogState).getLogs))).
		OnEvents(actorhost.OnEvent(company.UserCreated, (*auditLogState).userCreated), actorhost.OnEvent(company.OrderCompleted, (*auditLogState).orderCompleted)).
		OnWake(func(s *auditLogState, c *actorhost.Context) error {
			for s.Count < shownEntries {
				s.Count++
				if err := s.Entries.Set(c, s.Count, company.Entry{Event: strconv.Itoa(s.Count)}); err != nil {
					return err
				}
			}
			return nil
		}))
	auditLog := troupe.GetOrCreate[company.AuditLog](b.Client, "main")
	logged := tap(t, auditLog)
	startAuditing(t, auditLog)
	user := createUser(t, b.Client, "Ada")
	<-logged
	logs, err := company.GetLogs.Call(t.Context(), auditLog, nil)
	require.NoError(t, err)
	require.Len(t, logs, shownEntries)
	require.Equal(t, "2", logs[0].Event)
	require.Equal(t, user.ID, logs[shownEntries-1].ID())
}
