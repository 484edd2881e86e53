package actorhost_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// recordOf reads an actor's record from the bus.
func recordOf(t *testing.T, b *hosttest.Bus, ref troupe.Reference) record.Record {
	t.Helper()
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	records, err := store.OpenRecords(t.Context(), b.Connect(), ns, store.Settings{})
	require.NoError(t, err)
	found, err := records.Get(t.Context(), ref.(counter).ID())
	require.NoError(t, err)
	return found
}

func TestReplyWaitsForTheWrite(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, counters())
	a := troupe.GetOrCreate[counter](b.Client, "a")
	last := uint64(0)
	for range 5 {
		require.NoError(t, call(t.Context(), add, a, 1))
		revision := recordOf(t, b, a).Revision
		require.Greater(t, revision, last, "the state is stored when the reply is here")
		last = revision
	}
}

func TestNothingChangedNothingWritten(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, counters())
	a := troupe.GetOrCreate[counter](b.Client, "a")
	require.NoError(t, call(t.Context(), add, a, 1))
	before := recordOf(t, b, a)
	require.NoError(t, call(t.Context(), get, a, nil))
	require.NoError(t, call(t.Context(), add, a, 0))
	require.NoError(t, call(t.Context(), hidden, a, 5))
	require.ErrorIs(t, call(t.Context(), fail, a, "user"), errRefused)
	require.Equal(t, before.Revision, recordOf(t, b, a).Revision)
}

func TestFailedActionLeavesTheStateAsBefore(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"user", "panic", "any other"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			b := hosttest.Start(t, counters())
			a := troupe.GetOrCreate[counter](b.Client, "a")
			require.Error(t, call(t.Context(), fail, a, how), "also in the very first action")
			got, err := get.Call(t.Context(), a, nil)
			require.NoError(t, err)
			require.Zero(t, got)
			require.NoError(t, call(t.Context(), add, a, 5))
			require.NoError(t, call(t.Context(), hidden, a, 7))
			require.Error(t, call(t.Context(), fail, a, how))
			require.ErrorIs(t, call(t.Context(), pad, a, 2<<20), troupe.ErrTooLarge)
			require.ErrorIs(t, call(t.Context(), reply, a, 2<<20), troupe.ErrTooLarge)

			got, err = get.Call(t.Context(), a, nil)
			require.NoError(t, err)
			require.Equal(t, 5, got)
			kept, err := hidden.Call(t.Context(), a, 0)
			require.NoError(t, err)
			require.Equal(t, 7, kept, "unexported fields are the actor's own")
		})
	}
}

func TestDestroyDeletesForGood(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	b.Host(counters())
	b.Host(counters())
	a := troupe.GetOrCreate[counter](b.Client, "a")
	require.NoError(t, call(t.Context(), add, a, 5))
	first, err := whereIs.Call(t.Context(), a, nil)
	require.NoError(t, err)
	require.NoError(t, call(t.Context(), destroy, a, nil))
	require.Nil(t, recordOf(t, b, a).State)
	require.ErrorIs(t, call(t.Context(), get, troupe.Get[counter](b.Client, "a"), nil), troupe.ErrNotFound)

	got, err := get.Call(t.Context(), a, nil)
	require.NoError(t, err)
	require.Zero(t, got, "the next call makes a new one")
	second, err := whereIs.Call(t.Context(), a, nil)
	require.NoError(t, err)
	require.Greater(t, second.Epoch, first.Epoch, "an epoch never comes back")
}

func TestFencedHostStoresNothing(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, counters())
	a := troupe.GetOrCreate[counter](b.Client, "a")
	require.NoError(t, call(t.Context(), add, a, 5))

	// Another owner, as a host would write it that has taken over.
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	records, err := store.OpenRecords(t.Context(), b.Connect(), ns, store.Settings{})
	require.NoError(t, err)
	taken, err := records.Get(t.Context(), a.ID())
	require.NoError(t, err)
	taken.Owner = "somebody-gone"
	claimed, err := records.Put(t.Context(), a.ID(), taken)
	require.NoError(t, err)

	// The host finds out by its refused write, and the call, which had no effect, is made again after a takeover.
	got, err := add.Call(t.Context(), a, 1)
	require.NoError(t, err)
	require.Equal(t, 6, got)
	at, err := whereIs.Call(t.Context(), a, nil)
	require.NoError(t, err)
	require.Greater(t, at.Epoch, claimed)
}

func TestRecordThatCannotBeDecodedIsLeftAsItIs(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, counters())
	a := troupe.GetOrCreate[counter](b.Client, "a")
	nc := b.Connect()
	_, err := nc.Request("$KV.troupe-actors.counter.a", []byte("junk"), 5*time.Second)
	require.NoError(t, err)
	require.ErrorIs(t, call(t.Context(), get, a, nil), troupe.ErrStateCorrupt)
	stored, err := nc.Request("$JS.API.DIRECT.GET.KV_troupe-actors.$KV.troupe-actors.counter.a", nil, 5*time.Second)
	require.NoError(t, err)
	require.Equal(t, "junk", string(stored.Data))
	require.NoError(t, call(t.Context(), get, troupe.GetOrCreate[counter](b.Client, "other"), nil))
}

func TestFullMailboxRefusesTheNewest(t *testing.T) {
	t.Parallel()
	running, release := make(chan struct{}, 1), make(chan struct{})
	block := troupe.NewAction[counter, troupe.None, troupe.None]("block")
	b := hosttest.Start(t, actorhost.Define(func() counterState { return counterState{} },
		actorhost.On(block, actorhost.NoInNoOut(func(_ *counterState, c *actorhost.Context) error {
			select {
			case running <- struct{}{}:
			default:
			}
			select {
			case <-release:
			case <-c.Done():
			}
			return nil
		}))).Config(actorhost.TypeConfig{MailboxSize: 2}))
	a := troupe.GetOrCreate[counter](b.Client, "a")
	results := make(chan error, 10)
	send := func() { results <- call(t.Context(), block, a, nil) }
	go send()
	<-running // until then it waits in the mailbox too
	for range cap(results) - 1 {
		go send()
	}
	for range cap(results) - 3 { // one runs and two wait
		err := <-results
		require.ErrorIs(t, err, troupe.ErrOverloaded)
		var overloaded *troupe.Error
		require.ErrorAs(t, err, &overloaded)
		require.True(t, overloaded.Retryable)
	}
	close(release)
	for range 3 {
		require.NoError(t, <-results)
	}
}
