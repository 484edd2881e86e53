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

func TestMain(m *testing.M) { hosttest.Main(m) }

type greeter struct{ troupe.Ref }

func (greeter) ActorType() string { return "greeter" }

var greet = troupe.NewAction[greeter, string, string]("greet")

var greeters = actorhost.Define(func() struct{} { return struct{}{} },
	actorhost.On(greet, func(_ *struct{}, _ *actorhost.Context, name string) (string, error) { return "hello, " + name, nil }))

func TestOneLine(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, greeters)
	got, err := greet.Call(t.Context(), troupe.GetOrCreate[greeter](b.Client), "world")
	require.NoError(t, err)
	require.Equal(t, "hello, world", got)
}

func TestHostsCanBeKilled(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	first := b.Host(greeters)
	g := troupe.GetOrCreate[greeter](b.Client)
	_, err := greet.Call(t.Context(), g, "first")
	require.NoError(t, err)
	b.Kill(first)
	b.Host(greeters)
	_, err = greet.Call(t.Context(), g, "second")
	require.NoError(t, err)
}

func TestVirtualTime(t *testing.T) {
	began := time.Now()
	synctest.Test(t, func(t *testing.T) {
		b := hosttest.Start(t)
		host := b.Host(greeters)
		_, err := greet.Call(t.Context(), troupe.GetOrCreate[greeter](b.Client), "sleeper")
		require.NoError(t, err)
		require.Equal(t, 1, host.Active())
		time.Sleep(time.Hour) //nolint:forbidigo // virtual time
		require.Zero(t, host.Active())
		_, err = greet.Call(t.Context(), troupe.GetOrCreate[greeter](b.Client), "sleeper")
		require.NoError(t, err)
	})
	require.Less(t, time.Since(began), time.Minute, "an hour with its leases, without the wait")
}

// BenchmarkStart is the cost of a bus with a host and a client, and of their end.
func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		hosttest.Start(b, greeters)
	}
}
