package actorhost_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/client"
)

// A model writes texts, word by word.
type Model struct{ troupe.Ref }

func (Model) ActorType() string { return "model" }

var (
	Words  = troupe.NewStream[Model, prompt, string]("words")
	Nones  = troupe.NewStream[Model, troupe.None, troupe.None]("nones")
	Asked  = troupe.NewAction[Model, troupe.None, modelState]("asked")
	Relays = troupe.NewAction[Model, prompt, []string]("relay")
)

// prompt says what is to be written, and what goes wrong.
type prompt struct {
	Words  int
	Size   int // of each
	Pause  time.Duration
	Fail   string // after the words; "nil" and "early": before them
	Ignore bool   // what yield says
}

type modelState struct{ Asked int }

func (m *modelState) asked(*actorhost.Context) (modelState, error) { return *m, nil }

// relay reads a stream of another model within a turn.
func (m *modelState) relay(c *actorhost.Context, p prompt) (words []string, err error) {
	for word, err := range Words.Call(c, troupe.GetOrCreate[Model](c, "other"), p) {
		if err != nil {
			return words, err
		}
		words = append(words, word)
	}
	return words, nil
}

var errTooRude = troupe.NewError("too_rude", "mind your language").With("word", "darn")

// words is a stream. It tells the causes for which its contexts were done.
func words(ended chan<- error) func(s *actorhost.Stream[modelState], p prompt) iter.Seq2[string, error] {
	return func(s *actorhost.Stream[modelState], p prompt) iter.Seq2[string, error] {
		if p.Fail == "nil" {
			return nil
		}
		return func(yield func(string, error) bool) {
			if p.Fail == "early" {
				panic("early")
			}
			if err := s.Turn(func(m *modelState, _ *actorhost.Context) error { m.Asked++; return nil }); err != nil {
				yield("", err)
				return
			}
			defer func() { ended <- context.Cause(s) }()
			for i := range p.Words {
				if p.Pause > 0 {
					select {
					case <-time.After(p.Pause):
					case <-s.Done():
						return
					}
				}
				if !yield(fmt.Sprintf("%d%s", i, strings.Repeat(".", p.Size)), nil) && !p.Ignore {
					return
				}
			}
			p.fail(s, yield)
		}
	}
}

// fail ends a stream in the way that is asked for.
func (p prompt) fail(s *actorhost.Stream[modelState], yield func(string, error) bool) {
	switch p.Fail {
	case "own":
		yield("", errTooRude)
	case "internal":
		yield("", errors.New("out of ink"))
	case "panic":
		panic("out of paper")
	case "exit":
		runtime.Goexit()
	case "turn":
		yield("", s.Turn(func(*modelState, *actorhost.Context) error { return errTooRude }))
	case "call":
		_, err := Asked.Call(s, troupe.GetOrCreate[Model](s, "reader"), nil)
		yield("", err)
	case "wait":
		<-s.Done()
	case "none":
		var none *troupe.Error
		yield("a nil error", none)
	case "deaf":
		time.Sleep(8 * time.Second) //nolint:forbidigo // virtual time
	}
}

func nones(*actorhost.Stream[modelState], troupe.None) iter.Seq2[troupe.None, error] {
	return func(yield func(troupe.None, error) bool) {
		for range 2 {
			if !yield(nil, nil) {
				return
			}
		}
	}
}

func modelThat(ended chan<- error) actorhost.ActorType[Model, modelState] {
	return actorhost.Define(func() modelState { return modelState{} },
		actorhost.OnStream(Words, words(ended)),
		actorhost.OnStream(Nones, nones),
		actorhost.On(Asked, actorhost.NoIn((*modelState).asked)),
		actorhost.On(Relays, (*modelState).relay))
}

// startModel starts a bus with models, and returns where their streams tell why they have ended.
func startModel(t *testing.T) (*hosttest.Bus, *actorhost.Host, chan error) {
	t.Helper()
	b, ended := hosttest.Start(t), make(chan error, 100)
	return b, b.Host(modelThat(ended).Config(actorhost.TypeConfig{SleepAfter: time.Minute})), ended
}

// read reads a stream to its end.
func read(ctx context.Context, m Model, p prompt) (got []string, err error) {
	for word, err := range Words.Call(ctx, m, p) {
		if err != nil {
			return got, err
		}
		got = append(got, word)
	}
	return got, nil
}

func TestStreamIsReadInOrder(t *testing.T) {
	t.Parallel()
	b, _, _ := startModel(t)
	m := troupe.GetOrCreate[Model](b.Client, "m")
	for _, n := range []int{0, 1, 2, 4095, 4096, 4097, 20_000} {
		got, err := read(t.Context(), m, prompt{Words: n})
		require.NoError(t, err)
		require.Len(t, got, n)
		for i, word := range got {
			require.Equal(t, fmt.Sprint(i), word)
		}
	}
	got, err := read(t.Context(), m, prompt{Words: 40, Size: 200_000})
	require.NoError(t, err, "large values")
	require.Len(t, got, 40)
	count := 0
	for none, err := range Nones.Call(t.Context(), m, nil) {
		require.NoError(t, err)
		require.Nil(t, none)
		count++
	}
	require.Equal(t, 2, count, "values that are nil")
	state, err := Asked.Call(t.Context(), m, nil)
	require.NoError(t, err)
	require.Equal(t, 8, state.Asked)
}

func TestStreamEndsWithItsError(t *testing.T) {
	t.Parallel()
	b, _, _ := startModel(t)
	m := troupe.GetOrCreate[Model](b.Client, "m")
	for fail, want := range map[string]troupe.Code{
		"own": "too_rude", "turn": "too_rude", "internal": troupe.CodeInternal, "panic": troupe.CodeInternal, "exit": troupe.CodeInternal,
		"nil": "", "early": troupe.CodeInternal,
	} {
		p := prompt{Words: 3, Fail: fail}
		got, err := read(t.Context(), m, p)
		if want == "" {
			require.NoError(t, err)
			require.Empty(t, got)
			continue
		}
		var failed *troupe.Error
		require.ErrorAs(t, err, &failed, fail)
		require.Equal(t, want, failed.Code, fail)
		if fail == "early" {
			require.Empty(t, got)
		} else {
			require.Len(t, got, 3, fail)
		}
		if want == "too_rude" {
			require.Equal(t, "mind your language", failed.Message)
			require.True(t, failed.FromActor)
			require.Equal(t, "darn", failed.Metadata["word"])
		}
	}
	got, err := read(t.Context(), m, prompt{Words: 2, Size: 2 << 20})
	require.ErrorIs(t, err, troupe.ErrTooLarge)
	require.Empty(t, got)
	got, err = read(t.Context(), m, prompt{Words: 1, Fail: "none"})
	require.NoError(t, err)
	require.Len(t, got, 2)
	_, err = read(t.Context(), troupe.Get[Model](b.Client, "nobody"), prompt{})
	require.ErrorIs(t, err, troupe.ErrNotFound)
	err = b.Client.Actor("model", "m").Call(t.Context(), "words", prompt{}, nil)
	require.ErrorIs(t, err, troupe.ErrBadInput, "it is no action that answers once")
	require.ErrorContains(t, err, "is a stream")
}

// TestStreamEndsWithItsReader has readers go away in each way that there is, while the producer waits for something else. In virtual
// time.
func TestStreamEndsWithItsReader(t *testing.T) {
	for name, leave := range map[string]func(t *testing.T, b *hosttest.Bus, p prompt) (within time.Duration){
		"break": func(t *testing.T, b *hosttest.Bus, p prompt) time.Duration {
			t.Helper()
			for _, err := range Words.Call(t.Context(), troupe.GetOrCreate[Model](b.Client, "m"), p) {
				require.NoError(t, err)
				break
			}
			return 0
		},
		"cancel": func(t *testing.T, b *hosttest.Bus, p prompt) time.Duration {
			t.Helper()
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Minute, cancel)
			got, err := read(ctx, troupe.GetOrCreate[Model](b.Client, "m"), p)
			require.ErrorIs(t, err, troupe.ErrCanceled)
			require.Len(t, got, 1)
			return 0
		},
		"deadline": func(t *testing.T, b *hosttest.Bus, p prompt) time.Duration {
			t.Helper()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			_, err := read(ctx, troupe.GetOrCreate[Model](b.Client, "m"), p)
			require.ErrorIs(t, err, troupe.ErrDeadlineExceeded)
			return 0
		},
		"close the client": func(t *testing.T, b *hosttest.Bus, p prompt) time.Duration {
			t.Helper()
			c := b.NewClient(client.Config{})
			time.AfterFunc(time.Minute, func() { _ = c.Close(context.Background()) })
			_, err := read(t.Context(), troupe.GetOrCreate[Model](c, "m"), p)
			require.ErrorIs(t, err, troupe.ErrUnavailable)
			_, err = read(t.Context(), troupe.GetOrCreate[Model](c, "m"), p)
			require.ErrorIs(t, err, troupe.ErrUnavailable)
			return 0
		},
		"close the connection": func(t *testing.T, b *hosttest.Bus, p prompt) time.Duration {
			t.Helper()
			nc := b.Connect()
			c, err := client.New(nc, client.Config{})
			require.NoError(t, err)
			time.AfterFunc(time.Minute, nc.Close)
			_, err = read(t.Context(), troupe.GetOrCreate[Model](c, "m"), p)
			require.ErrorIs(t, err, troupe.ErrUnavailable)
			require.NoError(t, c.Close(t.Context()))
			return 2 * time.Second // the server tells, when the host says that it is there
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, _, ended := startModel(t)
				within := leave(t, b, prompt{Words: 1, Fail: "wait"})
				left := time.Now()
				require.ErrorIs(t, <-ended, troupe.ErrCanceled)
				require.LessOrEqual(t, time.Since(left), within+10*time.Millisecond)
			})
		})
	}
}

// TestStreamEndsWithItsActor has the actor go away. In virtual time.
func TestStreamEndsWithItsActor(t *testing.T) {
	for name, end := range map[string]struct {
		do   func(t *testing.T, b *hosttest.Bus, h *actorhost.Host) error
		want error
	}{
		"sleep": {func(t *testing.T, b *hosttest.Bus, _ *actorhost.Host) error {
			t.Helper()
			return b.Client.Actor("model", "m").Call(t.Context(), troupe.SleepAction, nil, nil)
		}, troupe.ErrUnavailable},
		"destroy": {func(t *testing.T, b *hosttest.Bus, _ *actorhost.Host) error {
			t.Helper()
			return b.Client.Actor("model", "m").Call(t.Context(), troupe.DestroyAction, nil, nil)
		}, troupe.ErrNotFound},
		"stop": {func(t *testing.T, _ *hosttest.Bus, h *actorhost.Host) error {
			t.Helper()
			return h.Stop(t.Context())
		}, troupe.ErrUnavailable},
		"kill": {func(_ *testing.T, b *hosttest.Bus, h *actorhost.Host) error { b.Kill(h); return nil }, troupe.ErrOutcomeUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, h, ended := startModel(t)
				done := make(chan error, 1)
				time.AfterFunc(10*time.Minute, func() { done <- end.do(t, b, h) })
				began := time.Now()
				got, err := read(t.Context(), troupe.GetOrCreate[Model](b.Client, "m"), prompt{Words: 2, Fail: "wait"})
				require.ErrorIs(t, err, end.want)
				require.Len(t, got, 2)
				require.InDelta(t, 10*time.Minute, time.Since(began), float64(11*time.Second))
				require.NoError(t, <-done)
				require.Error(t, <-ended)
			})
		})
	}
}

// TestReaderIsToldThoughTheProducerGoesOn, which takes no notice of the end of its actor. In virtual time.
func TestReaderIsToldThoughTheProducerGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _, ended := startModel(t)
		time.AfterFunc(time.Second, func() { _ = b.Client.Actor("model", "m").Call(t.Context(), troupe.SleepAction, nil, nil) })
		began := time.Now()
		got, err := read(t.Context(), troupe.GetOrCreate[Model](b.Client, "m"), prompt{Words: 2, Fail: "deaf"})
		require.ErrorIs(t, err, troupe.ErrUnavailable)
		require.Len(t, got, 2)
		require.InDelta(t, 2*time.Second, time.Since(began), float64(10*time.Millisecond))
		require.Empty(t, ended, "it goes on")
		require.Error(t, <-ended)
	})
}

// TestStreamWaitsForItsReader has one reader stop reading, which must cost the actor no turn, and the host little memory.
func TestStreamWaitsForItsReader(t *testing.T) {
	t.Parallel()
	b, _, _ := startModel(t)
	m := troupe.GetOrCreate[Model](b.Client, "m")
	next, stop := iter.Pull2(Words.Call(t.Context(), m, prompt{Words: 10_000, Size: 100}))
	defer stop()
	_, err, ok := next()
	require.True(t, ok)
	require.NoError(t, err)
	var g errgroup.Group
	for range 20 {
		g.Go(func() error { _, err := Asked.Call(t.Context(), m, nil); return err })
	}
	require.NoError(t, g.Wait(), "it takes calls meanwhile")
	for i := 1; i < 10_000; i++ {
		word, err, ok := next()
		require.True(t, ok)
		require.NoError(t, err)
		require.Equal(t, fmt.Sprint(i), strings.TrimRight(word, "."))
	}
	_, _, ok = next()
	require.False(t, ok)
}

func TestActorReadsStream(t *testing.T) {
	t.Parallel()
	b, _, _ := startModel(t)
	reader := troupe.GetOrCreate[Model](b.Client, "reader")
	got, err := Relays.Call(t.Context(), reader, prompt{Words: 3})
	require.NoError(t, err)
	require.Equal(t, []string{"0", "1", "2"}, got)
	_, err = Relays.Call(t.Context(), reader, prompt{Words: 3, Fail: "call"})
	require.ErrorIs(t, err, troupe.ErrCallCycle, "what is read calls the actor that reads it")
}

// TestStreamKeepsActorAwake: in virtual time.
func TestStreamKeepsActorAwake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _, _ := startModel(t)
		m := troupe.GetOrCreate[Model](b.Client, "m")
		got, err := read(t.Context(), m, prompt{Words: 3, Pause: 10 * time.Minute})
		require.NoError(t, err)
		require.Len(t, got, 3)
		state, err := Asked.Call(t.Context(), m, nil)
		require.NoError(t, err)
		require.Equal(t, 1, state.Asked)
	})
}
