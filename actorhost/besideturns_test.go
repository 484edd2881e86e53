package actorhost_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
)

// study has actions that may run beside its turns, which take long.
type study struct{ troupe.Ref }

func (study) ActorType() string { return "study" }

var (
	studyWrite = troupe.NewAction[study, studying, int]("write") // adds one, and takes its time
	studyLook  = troupe.NewAction[study, studying, int]("look")  // is read-only
	studyRead  = troupe.NewAction[study, studying, int]("read")  // may run beside turns
	studyBack  = troupe.NewAction[study, studying, int]("back")  // is reentrant
)

// studying is what one does in a study.
type studying struct {
	For time.Duration
	How string
	Via []string // the alcoves that it calls, one through the other
	Of  string   // the action by which the last one comes back
}

type studyState struct {
	Value int
	Deep  map[string][]int
	Notes actorhost.Map[string, int]
	seen  int `json:"-"`
}

// newStudies counts the states that are made.
type newStudies struct{ made atomic.Int64 }

func (n *newStudies) state() studyState {
	n.made.Add(1)
	return studyState{Value: 10, Deep: map[string][]int{"a": {1}}}
}

// take takes time, and what alcoves answer.
func (w studying) take(c *actorhost.Context) (told int, err error) {
	timer := time.NewTimer(w.For)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.Done():
		return 0, fmt.Errorf("in the study: %w", c.Err())
	}
	if len(w.Via) == 0 {
		return 0, nil
	}
	return alcovePass.Call(c, troupe.GetOrCreate[alcove](c, w.Via[0]), passage{c.ID().Key()[0], w.Via[1:], w.Of, w.For})
}

func (s *studyState) write(c *actorhost.Context, w studying) (int, error) {
	s.Value++
	s.seen = s.Value
	told, err := w.take(c)
	switch {
	case err != nil:
		return 0, err
	case w.How == "fail":
		return 0, errRefused
	case len(w.Via) > 0:
		return told, nil
	}
	return s.Value, nil
}

func (s *studyState) read(c *actorhost.Context, w studying) (int, error) {
	before := s.Value
	told, err := w.take(c)
	if err != nil || len(w.Via) > 0 {
		return told, err
	}
	if s.Value != before {
		return 0, fmt.Errorf("%d became %d", before, s.Value)
	}
	switch w.How {
	case "change":
		s.Value += 100
	case "change deeply":
		s.Deep["a"][0]++
	case "panic":
		panic("the study burns")
	case "Goexit":
		runtime.Goexit()
	case "a Map":
		_, _, err = s.Notes.Get(c, "a")
	case "a Map's keys":
		for _, err = range s.Notes.All(c) {
			break
		}
	case "its schedules":
		_, err = c.Schedules()
	case "seen":
		return s.seen, nil
	}
	return s.Value, err
}

func studies() actorhost.ActorType[study, studyState] { return studiesOf(new(newStudies)) }

func studiesOf(made *newStudies) actorhost.ActorType[study, studyState] {
	return actorhost.Define(made.state,
		actorhost.On(studyWrite, (*studyState).write),
		actorhost.On(studyLook, (*studyState).read).ReadOnly(),
		actorhost.On(studyRead, (*studyState).read).BesideTurns(),
		actorhost.On(studyBack, (*studyState).read).Reentrant())
}

// scholars work at one study.
type scholars struct {
	ctx   context.Context //nolint:containedctx // of all of them
	study study
	all   sync.WaitGroup
}

// gotten is what a scholar has got, once it has.
type gotten struct {
	mu    sync.Mutex
	value int
	err   error
	over  bool
}

func scholarsOf(t *testing.T, b *hosttest.Bus) *scholars {
	t.Helper()
	k := &scholars{ctx: t.Context(), study: troupe.GetOrCreate[study](b.Client, "a")}
	t.Cleanup(k.all.Wait)
	return k
}

// send has a scholar do something, and returns when that has begun, or waits.
func (k *scholars) send(a troupe.Action[study, studying, int], w studying) *gotten {
	r := new(gotten)
	k.all.Go(func() {
		value, err := a.Call(k.ctx, k.study, w)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.value, r.err, r.over = value, err, true
	})
	synctest.Wait()
	return r
}

func (r *gotten) require(t *testing.T, value int) {
	t.Helper()
	require.True(t, r.done())
	require.NoError(t, r.failed())
	require.Equal(t, value, r.value)
}

func (r *gotten) done() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.over
}

func (r *gotten) failed() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// after waits in virtual time, and until nothing goes on.
func after(d time.Duration) {
	time.Sleep(d) //nolint:forbidigo // virtual time
	synctest.Wait()
}

func TestReadsBesideATurnSeeWhatIsStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := scholarsOf(t, hosttest.Start(t, studies()))
		first := k.send(studyWrite, studying{For: time.Second})
		k.send(studyRead, studying{}).require(t, 10) // what New gives
		look := k.send(studyLook, studying{})
		require.False(t, look.done(), "it waits for the turn")
		k.send(studyRead, studying{}).require(t, 10)
		after(2 * time.Second)
		first.require(t, 11)
		look.require(t, 11)
		k.send(studyRead, studying{}).require(t, 11)

		second := k.send(studyWrite, studying{For: time.Second})
		k.send(studyRead, studying{}).require(t, 11)
		k.send(studyRead, studying{How: "seen"}).require(t, 0)
		after(2 * time.Second)
		second.require(t, 12)
		k.send(studyRead, studying{}).require(t, 12)

		fails := k.send(studyWrite, studying{For: time.Second, How: "fail"})
		k.send(studyRead, studying{}).require(t, 12)
		after(2 * time.Second)
		require.ErrorIs(t, fails.failed(), errRefused)
		k.send(studyRead, studying{}).require(t, 12)
	})
}

func TestReadsBesideTurnsPassWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := scholarsOf(t, hosttest.Start(t, studies()))
		k.send(studyWrite, studying{}).require(t, 11)
		looks := k.send(studyLook, studying{For: time.Second})
		after(time.Millisecond) // it lets others run beside it
		long := k.send(studyRead, studying{For: 2 * time.Second})
		write := k.send(studyWrite, studying{For: time.Second})
		k.send(studyRead, studying{}).require(t, 11)
		require.False(t, write.done())
		after(time.Second)
		looks.require(t, 11)
		require.False(t, long.done(), "it was there before the write, which waits for it")
		beside := k.send(studyRead, studying{For: 10 * time.Second})
		after(2500 * time.Millisecond)
		long.require(t, 11)
		write.require(t, 12)
		require.False(t, beside.done(), "nothing waits for one beside the turns")
		k.send(studyWrite, studying{}).require(t, 13)
		after(time.Minute)
		beside.require(t, 11)
	})
}

// So many run beside the turns, and what is beyond waits for its turn.
func TestReadsBesideTurnsHaveALimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = 256
		k := scholarsOf(t, hosttest.Start(t, studies()))
		write := k.send(studyWrite, studying{For: 2 * time.Second})
		var reads []*gotten
		for range most {
			reads = append(reads, k.send(studyRead, studying{For: time.Second}))
		}
		beyond := k.send(studyRead, studying{})
		after(1500 * time.Millisecond)
		for _, r := range reads {
			r.require(t, 10)
		}
		require.False(t, beyond.done())
		k.send(studyRead, studying{}).require(t, 10)
		after(time.Second)
		write.require(t, 11)
		beyond.require(t, 11)
	})
}

// A copy is made for each stored state that is read.
func TestReadsOfAStateShareACopy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var made newStudies
		b := hosttest.Start(t)
		b.SkipStateCheck = true
		b.Host(studiesOf(&made))
		k := scholarsOf(t, b)
		k.send(studyWrite, studying{}).require(t, 11)
		k.send(studyLook, studying{}).require(t, 11)
		for i := range 3 {
			write := k.send(studyWrite, studying{For: time.Second})
			before := made.made.Load()
			for range 20 {
				k.send(studyRead, studying{}).require(t, 11+i)
			}
			copies := made.made.Load() - before
			require.Positive(t, copies)
			require.LessOrEqual(t, copies, int64(2), "one of the first is checked, on its own copy")
			after(2 * time.Second)
			write.require(t, 12+i)
		}
	})
}

// TestReadsBesideTurnsAreLinearizable has all kinds of reads beside writes, of which some fail.
func TestReadsBesideTurnsAreLinearizable(t *testing.T) {
	t.Parallel()
	const clients, calls = 8, 60
	b := hosttest.Start(t, studies())
	k, began := scholarsOf(t, b), time.Now()
	histories := make([][]porcupine.Operation, clients)
	kinds := []troupe.Action[study, studying, int]{studyWrite, studyLook, studyRead, studyRead, studyBack}
	for client := range clients {
		random := rand.New(rand.NewPCG(uint64(client), 0))
		k.all.Go(func() {
			for i := range calls {
				kind := random.IntN(len(kinds))
				w := studying{For: time.Duration(random.IntN(3)) * 400 * time.Microsecond}
				fails := kind == 0 && random.IntN(4) == 0
				if fails {
					w.How = "fail"
				}
				called := time.Since(began)
				value, err := kinds[kind].Call(k.ctx, k.study, w)
				if fails && err != nil {
					continue
				}
				if err != nil {
					t.Errorf("call %d of client %d: %v", i, client, err)
					return
				}
				histories[client] = append(histories[client], porcupine.Operation{
					ClientId: client, Call: int64(called), Output: painted{kind == 0, value - 10}, Return: int64(time.Since(began)),
				})
			}
		})
	}
	k.all.Wait()
	require.Equal(t, porcupine.Ok, porcupine.CheckOperationsTimeout(paintModel, slices.Concat(histories...), 20*time.Second))
}
