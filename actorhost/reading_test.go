package actorhost_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
)

// parlour has read-only actions that take their time, and notes what happens.
type parlour struct{ troupe.Ref }

func (parlour) ActorType() string { return "parlour" }

var (
	parlourSit   = troupe.NewAction[parlour, sitting, int]("sit")   // is read-only
	parlourPaint = troupe.NewAction[parlour, sitting, int]("paint") // changes the state
	parlourServe = troupe.NewAction[parlour, time.Duration, troupe.None]("serve")
	parlourLeave = troupe.NewAction[parlour, troupe.None, troupe.None]("leave") // destroys it
)

// sitting is what one does in a parlour.
type sitting struct {
	Name   string
	For    time.Duration
	Called bool // waits for another parlour; else for itself
	How    string
}

type parlourState struct{ Painted int }

// parlourBook is what has happened, in order.
type parlourBook struct {
	mu    sync.Mutex
	lines []string
}

func (b *parlourBook) notef(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lines = append(b.lines, fmt.Sprintf(format, args...))
}

func (b *parlourBook) read() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.lines)
}

func (s sitting) take(c *actorhost.Context) error {
	if s.Called {
		return call(c, parlourServe, troupe.GetOrCreate[parlour](c, "servant", s.Name), s.For)
	}
	timer := time.NewTimer(s.For)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-c.Done():
		return fmt.Errorf("sitting: %w", c.Err())
	}
}

func parlours(book *parlourBook) actorhost.ActorType[parlour, parlourState] {
	return actorhost.Define(func() parlourState { return parlourState{} },
		actorhost.On(parlourSit, func(s *parlourState, c *actorhost.Context, in sitting) (int, error) {
			book.notef("%s sits", in.Name)
			defer book.notef("%s stands up", in.Name)
			before := s.Painted
			err := in.take(c)
			if s.Painted != before {
				return 0, fmt.Errorf("%s was painted over", in.Name)
			}
			switch in.How {
			case "panic":
				panic("the chair breaks")
			case "Goexit":
				runtime.Goexit()
			case "scribble":
				s.Painted += 100
			}
			return s.Painted, err
		}).ReadOnly(),
		actorhost.On(parlourPaint, func(s *parlourState, c *actorhost.Context, in sitting) (int, error) {
			book.notef("%s paints", in.Name)
			defer book.notef("%s has painted", in.Name)
			s.Painted++
			return s.Painted, in.take(c)
		}),
		actorhost.On(parlourServe, actorhost.NoOut(func(_ *parlourState, c *actorhost.Context, d time.Duration) error {
			return sitting{For: d}.take(c)
		})),
		actorhost.On(parlourLeave, actorhost.NoInNoOut(func(_ *parlourState, c *actorhost.Context) error { c.Destroy(); return nil })))
}

// guests make calls of one parlour.
type guests struct {
	ctx     context.Context //nolint:containedctx // of all of them
	parlour parlour
	all     sync.WaitGroup
	mu      sync.Mutex
	errors  map[string]error
}

func guestsOf(t *testing.T, b *hosttest.Bus) *guests {
	t.Helper()
	g := &guests{ctx: t.Context(), parlour: troupe.GetOrCreate[parlour](b.Client, "blue"), errors: map[string]error{}}
	_, err := parlourPaint.Call(t.Context(), g.parlour, sitting{Name: "first"})
	require.NoError(t, err)
	return g
}

// send has a guest do something, and returns when that has begun, or waits.
func (g *guests) send(a troupe.Action[parlour, sitting, int], s sitting) {
	g.all.Go(func() {
		_, err := a.Call(g.ctx, g.parlour, s)
		g.mu.Lock()
		defer g.mu.Unlock()
		g.errors[s.Name] = err
	})
	synctest.Wait()
}

func (g *guests) requireNoErrors(t *testing.T) {
	t.Helper()
	g.all.Wait()
	for name, err := range g.errors {
		require.NoError(t, err, name)
	}
}

// inBubble runs a test in virtual time, once for readers that wait by themselves, and once for such that call others.
func inBubble(t *testing.T, test func(t *testing.T, called bool)) {
	t.Helper()
	for name, called := range map[string]bool{"that wait": false, "that call": true} {
		t.Run(name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { test(t, called) }) })
	}
}

func TestReadOnlyActionsRunBesideEachOther(t *testing.T) {
	inBubble(t, func(t *testing.T, called bool) {
		t.Helper()
		var book parlourBook
		b := hosttest.Start(t, parlours(&book))
		g, began := guestsOf(t, b), time.Now()
		for i := range 5 {
			g.send(parlourSit, sitting{Name: fmt.Sprint(i), For: time.Second, Called: called})
		}
		g.requireNoErrors(t)
		require.Less(t, time.Since(began), 1100*time.Millisecond)
		require.Len(t, book.read(), 12)
		require.True(t, strings.HasSuffix(book.read()[6], "sits"), "%v", book.read())
	})
}

func TestWriterWaitsForReadersAndLaterReadersForIt(t *testing.T) {
	inBubble(t, func(t *testing.T, called bool) {
		t.Helper()
		var book parlourBook
		b := hosttest.Start(t, parlours(&book))
		g := guestsOf(t, b)
		g.send(parlourSit, sitting{Name: "a", For: time.Second, Called: called})
		g.send(parlourSit, sitting{Name: "b", For: 2 * time.Second, Called: called})
		time.Sleep(100 * time.Millisecond) //nolint:forbidigo // virtual time
		g.send(parlourPaint, sitting{Name: "w", For: time.Second, Called: called})
		g.send(parlourSit, sitting{Name: "c", For: time.Second, Called: called})
		g.send(parlourSit, sitting{Name: "d", For: 2 * time.Second, Called: called})
		g.requireNoErrors(t)
		require.Equal(t, []string{
			"first paints", "first has painted", "a sits", "b sits", "a stands up", "b stands up", "w paints", "w has painted",
			"c sits", "d sits", "c stands up", "d stands up",
		}, book.read())
	})
}

func TestReadersThatFailLeaveTheOthers(t *testing.T) {
	for _, how := range []string{"panic", "Goexit"} {
		t.Run(how, func(t *testing.T) {
			inBubble(t, func(t *testing.T, called bool) {
				t.Helper()
				var book parlourBook
				b := hosttest.Start(t, parlours(&book))
				g := guestsOf(t, b)
				g.send(parlourSit, sitting{Name: "a", For: 2 * time.Second, Called: called})
				for i := range 3 {
					g.send(parlourSit, sitting{Name: fmt.Sprint("fails ", i), For: time.Second, Called: called, How: how})
				}
				g.send(parlourPaint, sitting{Name: "w"})
				g.send(parlourSit, sitting{Name: "z", For: time.Second, Called: called})
				g.all.Wait()
				for name, err := range g.errors {
					if strings.HasPrefix(name, "fails") {
						require.ErrorIs(t, err, troupe.ErrInternal, name)
					} else {
						require.NoError(t, err, name)
					}
				}
				painted, err := parlourPaint.Call(t.Context(), g.parlour, sitting{Name: "last"})
				require.NoError(t, err)
				require.Equal(t, 3, painted)
				lines := book.read()
				require.Less(t, slices.Index(lines, "a stands up"), slices.Index(lines, "w paints"))
				require.Less(t, slices.Index(lines, "w has painted"), slices.Index(lines, "z sits"))
			})
		})
	}
}

func TestWhatEndsAnActorWaitsForItsReaders(t *testing.T) {
	for name, end := range map[string]func(ctx context.Context, b *hosttest.Bus, h *actorhost.Host, g *guests) error{
		"stop": func(_ context.Context, b *hosttest.Bus, h *actorhost.Host, _ *guests) error { b.Stop(h); return nil },
		"destroy": func(ctx context.Context, _ *hosttest.Bus, _ *actorhost.Host, g *guests) error {
			return call(ctx, parlourLeave, g.parlour, nil)
		},
		"sleep": func(ctx context.Context, b *hosttest.Bus, _ *actorhost.Host, g *guests) error {
			return b.Client.Actor("parlour", "blue").Call(ctx, troupe.SleepAction, nil, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, called bool) {
				t.Helper()
				var book parlourBook
				b := hosttest.Start(t)
				host := b.Host(parlours(&book))
				g := guestsOf(t, b)
				called = called && name != "stop" // the others would stop too
				for i := range 3 {
					g.send(parlourSit, sitting{Name: fmt.Sprint(i), For: time.Duration(i+1) * time.Second, Called: called})
				}
				time.Sleep(100 * time.Millisecond) //nolint:forbidigo // virtual time
				began := time.Now()
				require.NoError(t, end(t.Context(), b, host, g))
				require.GreaterOrEqual(t, time.Since(began), 2500*time.Millisecond)
				g.requireNoErrors(t)
			})
		})
	}
}

func TestActorDoesNotSleepWhileItIsRead(t *testing.T) {
	inBubble(t, func(t *testing.T, called bool) {
		t.Helper()
		var book parlourBook
		b := hosttest.Start(t, parlours(&book).Config(actorhost.TypeConfig{SleepAfter: 100 * time.Millisecond}).
			OnSleep(func(*parlourState, *actorhost.Context) error { book.notef("sleeps"); return nil }))
		g := guestsOf(t, b)
		g.send(parlourSit, sitting{Name: "a", For: 10 * time.Second, Called: called})
		g.requireNoErrors(t)
		time.Sleep(time.Second) //nolint:forbidigo // virtual time
		lines := book.read()
		require.Greater(t, slices.Index(lines, "sleeps"), slices.Index(lines, "a stands up"), "%v", lines)
	})
}

func TestReadersEndWithTheirCallers(t *testing.T) {
	inBubble(t, func(t *testing.T, called bool) {
		t.Helper()
		var book parlourBook
		b := hosttest.Start(t, parlours(&book).Config(actorhost.TypeConfig{CancelWithCaller: true}))
		g := guestsOf(t, b)
		g.send(parlourSit, sitting{Name: "a", For: 5 * time.Second, Called: called})
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan error, 1)
		go func() {
			_, err := parlourSit.Call(ctx, g.parlour, sitting{Name: "b", For: time.Hour, Called: called})
			gone <- err
		}()
		synctest.Wait()
		g.send(parlourSit, sitting{Name: "c", For: 4 * time.Second, Called: called})
		time.Sleep(time.Second) //nolint:forbidigo // virtual time
		cancel()
		require.Error(t, <-gone)
		g.send(parlourPaint, sitting{Name: "w"})
		g.requireNoErrors(t)
		lines := book.read()
		require.Less(t, slices.Index(lines, "b stands up"), slices.Index(lines, "c stands up"), "%v", lines)
		require.Less(t, slices.Index(lines, "a stands up"), slices.Index(lines, "w paints"), "%v", lines)
	})
}

// So many readers run at a time, and the next waits for one of them.
func TestReadersHaveALimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = 256
		var book parlourBook
		b := hosttest.Start(t, parlours(&book))
		g, began := guestsOf(t, b), time.Now()
		for i := range most + 10 {
			g.all.Go(func() { _, _ = parlourSit.Call(g.ctx, g.parlour, sitting{Name: fmt.Sprint(i), For: time.Second}) })
		}
		g.all.Wait()
		require.Greater(t, time.Since(began), 1900*time.Millisecond)
		require.Less(t, time.Since(began), 2500*time.Millisecond)
	})
}

// painted is a call of a parlour, for porcupine: it has read how often that was painted, or has painted it and says so.
type painted struct {
	paints bool
	times  int
}

var paintModel = porcupine.Model{
	Init: func() any { return 0 },
	Step: func(state, _, output any) (bool, any) {
		o, was := output.(painted), state.(int)
		if o.paints {
			return o.times == was+1, was + 1
		}
		return o.times == was, was
	},
}

// TestReadsAreLinearizable has readers that take any time, or call others, beside writers.
func TestReadsAreLinearizable(t *testing.T) {
	t.Parallel()
	const clients, calls = 8, 60
	var book parlourBook
	b := hosttest.Start(t, parlours(&book))
	g, began := guestsOf(t, b), time.Now()
	histories := make([][]porcupine.Operation, clients)
	for client := range clients {
		random := rand.New(rand.NewPCG(uint64(client), 0))
		g.all.Go(func() {
			for i := range calls {
				s := sitting{Name: fmt.Sprint(client), Called: random.IntN(3) == 0, For: time.Duration(random.IntN(3)) * 400 * time.Microsecond}
				action, paints := parlourSit, random.IntN(4) == 0
				if paints {
					action = parlourPaint
				}
				called := time.Since(began)
				times, err := action.Call(g.ctx, g.parlour, s)
				if err != nil {
					t.Errorf("call %d of client %d: %v", i, client, err)
					return
				}
				histories[client] = append(histories[client], porcupine.Operation{
					ClientId: client, Call: int64(called), Output: painted{paints, times}, Return: int64(time.Since(began)),
				})
			}
		})
	}
	g.all.Wait()
	all := append(slices.Concat(histories...), porcupine.Operation{ClientId: clients, Call: -2, Return: -1, Output: painted{true, 1}})
	require.Equal(t, porcupine.Ok, porcupine.CheckOperationsTimeout(paintModel, all, 20*time.Second))
}
