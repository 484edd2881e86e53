package actorhost_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/internal/bustest"
)

// TestHostsThatStopTogether have nobody to hand their actors over to.
func TestHostsThatStopTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := hosttest.Start(t)
		kind := rovers(func(l *roverLoop) error { <-l.Done(); return nil })
		hosts := []*actorhost.Host{b.Host(kind), b.Host(kind)}
		for i := range 20 {
			wakeRover(t, b, fmt.Sprint(i))
		}
		began := time.Now()
		var stops sync.WaitGroup
		for _, host := range hosts {
			stops.Go(func() { b.Stop(host) })
		}
		stops.Wait()
		require.Less(t, time.Since(began), 3*time.Second)
		host := b.Host(kind)
		require.Eventually(t, func() bool { return host.Active() == 20 }, time.Minute, time.Second, "nobody has called")
	})
}

// TestActorsThatCannotWake do not keep others from coming back.
func TestActorsThatCannotWake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := hosttest.Start(t)
		leases := leasesOf(t, b)
		nc := b.Connect()
		var broken atomic.Bool
		var good atomic.Int64
		host, err := actorhost.Start(t.Context(), nc, actorhost.Config{Logger: slog.New(slog.DiscardHandler)},
			rovers(func(l *roverLoop) error {
				if l.Key()[0] == "good" {
					good.Add(1)
				}
				<-l.Done()
				return nil
			}).OnWake(func(_ *rover, c *actorhost.Context) error {
				if broken.Load() && c.Key()[0] != "good" {
					return errLost
				}
				return nil
			}))
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, host.Stop(context.Background())) })
		for i := range 200 {
			wakeRover(t, b, fmt.Sprint(i))
		}
		wakeRover(t, b, "good")
		require.Eventually(t, func() bool { return good.Load() == 1 }, time.Minute, time.Millisecond)
		broken.Store(true)
		revision, _, err := leases.Revision(t.Context(), host.ID())
		require.NoError(t, err)
		require.NoError(t, leases.Revoke(t.Context(), host.ID(), revision))
		require.NoError(t, nc.ForceReconnect()) // has it renew the lease
		virtually(30 * time.Second)
		require.EqualValues(t, 2, good.Load(), "it has come back, in the host's next session")
	})
}

// TestLoopsDoNotLeaveMarksBehind has a host lose its lease and its actors come back on it, sleep, and stay asleep.
func TestLoopsDoNotLeaveMarksBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := hosttest.Start(t)
		var runs atomic.Int64
		kind := rovers(func(l *roverLoop) error { runs.Add(1); <-l.Done(); return nil })
		first := b.Host(kind)
		r := wakeRover(t, b, "a")
		second := b.Host(kind)
		b.Stop(first)
		require.Eventually(t, func() bool { return runs.Load() == 2 }, time.Minute, time.Second)
		require.NoError(t, b.Client.Invoke(t.Context(), troupe.Invocation{ID: r.ID(), Action: troupe.SleepAction}))
		virtually(time.Minute)
		require.Zero(t, second.Active())
		require.EqualValues(t, 2, runs.Load())
		js, err := jetstream.New(b.Connect())
		require.NoError(t, err)
		stream, err := js.Stream(t.Context(), "KV_troupe-subscriptions")
		require.NoError(t, err)
		info, err := stream.Info(t.Context(), jetstream.WithSubjectFilter("$KV.troupe-subscriptions._unsent.*.rover.a"))
		require.NoError(t, err)
		t.Log(info.State.Subjects)
	})
}

// TestLoopsOfOneProgramOfTwo has hosts of a program without loops beside those that have them: no loop is lost to it.
func TestLoopsOfOneProgramOfTwo(t *testing.T) {
	takesLong(t)
	for name, pauses := range map[string]bool{"runs": false, "pauses": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := hosttest.Start(t)
				for range 3 {
					b.Host(actorhost.Define(func() rover { return rover{} }, actorhost.On(Steps, stepsOf)))
				}
				kind := actorhost.Define(func() rover { return rover{} }, actorhost.On(Steps, stepsOf),
					actorhost.On(Begin, actorhost.NoInNoOut(func(*rover, *actorhost.Context) error { return nil })),
				).Loop(func(l *roverLoop) error {
					if err := step(l); err != nil {
						return err
					}
					if pauses {
						l.Pause(10 * time.Minute)
						return nil
					}
					<-l.Done()
					return nil
				})
				first := b.Host(kind)
				var all []Rover
				for i := range 8 {
					all = append(all, troupe.GetOrCreate[Rover](b.Client, fmt.Sprint(i)))
					require.NoError(t, call(t.Context(), Begin, all[i], nil))
				}
				virtually(time.Minute)
				b.Host(kind)
				b.Kill(first)
				virtually(11 * time.Minute)
				for _, r := range all {
					require.Equal(t, 2, stepsTaken(t, r), r.ID())
				}
			})
		})
	}
}

// TestLoopWhileTheStoreIsFull cannot run, and comes back by itself when there is room.
func TestLoopWhileTheStoreIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := hosttest.Start(t)
		var stored atomic.Int64
		b.HostWith(actorhost.Config{Logger: slog.New(slog.DiscardHandler), MaxBytes: actorhost.MaxBytes{Records: 1 << 20}},
			counters(), rovers(func(l *roverLoop) error {
				for l.Pause(time.Second) {
					if err := step(l); err != nil {
						return err
					}
					stored.Add(1)
				}
				return nil
			}))
		wakeRover(t, b, "a")
		last := 0
		for last < 100 && call(t.Context(), pad, troupe.GetOrCreate[counter](b.Client, fmt.Sprint(last)), padding) == nil {
			last++
		}
		for size := padding; size > 0; size /= 2 { // up to the last byte
			last++
			_ = call(t.Context(), pad, troupe.GetOrCreate[counter](b.Client, fmt.Sprint(last)), size)
		}
		virtually(20 * time.Second)
		before := stored.Load()
		virtually(20 * time.Second)
		require.Equal(t, before, stored.Load(), "there is no room")
		require.NoError(t, call(t.Context(), destroy, troupe.GetOrCreate[counter](b.Client, "1"), nil))
		virtually(time.Minute)
		require.Greater(t, stored.Load(), before, "nobody has called")
	})
}

// TestLoopEndsWithTheLease cuts a host off: the loop ends when its lease does, though nobody tells, and another goes on.
func TestLoopEndsWithTheLease(t *testing.T) {
	t.Parallel()
	server := bustest.Serve(t, &server.Options{JetStream: true, StoreDir: t.TempDir(), NoLog: true})
	var drop atomic.Bool
	to := bustest.Listen(t, func(conn net.Conn) { bustest.Forward(conn, strings.TrimPrefix(server.ClientURL(), "nats://"), &drop) })
	begins, ends := make(chan time.Time, 10), make(chan time.Time, 10)
	kind := rovers(func(l *roverLoop) error {
		begins <- time.Now()
		<-l.Done()
		ends <- time.Now()
		return nil
	})
	way := system{t: t}
	host, err := actorhost.Start(t.Context(), way.connect("nats://"+to, "host"),
		actorhost.Config{Lease: time.Second, Logger: slog.New(slog.DiscardHandler)}, kind)
	require.NoError(t, err)
	t.Cleanup(func() { _ = host.Stop(context.Background()) })
	c := way.client(way.connect(server.ClientURL(), "caller"), "")
	require.NoError(t, call(t.Context(), Steps, troupe.GetOrCreate[Rover](c, "a"), nil))
	<-begins
	drop.Store(true)
	select {
	case <-ends:
	case <-time.After(20 * time.Second):
		t.Fatal("it runs on")
	}
	drop.Store(false)
	select {
	case <-begins:
	case <-time.After(time.Minute):
		t.Fatal("it does not run again")
	}
}
