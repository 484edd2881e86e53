package actorhost_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/internal/bustest"
	"github.com/troupe-go/troupe/internal/record"
)

func putAll(t *testing.T, at bookcase, titles ...string) {
	t.Helper()
	for _, title := range titles {
		require.NoError(t, call(t.Context(), putBook, at, putting{Title: title, Text: "the text of " + title}))
	}
}

// requireBooks checks all that a bookcase has.
func requireBooks(t *testing.T, at bookcase, titles ...string) {
	t.Helper()
	counted, err := countBooks.Call(t.Context(), at, "")
	require.NoError(t, err)
	require.Equal(t, strings.Join(titles, "|"), strings.Join(counted.Titles, "|"))
	require.Len(t, counted.Places, len(titles))
	require.Equal(t, len(titles), counted.Count, "the count in the state and the items agree")
	for _, title := range titles {
		book, err := findBook.Call(t.Context(), at, title)
		require.NoError(t, err)
		require.NotNil(t, book, title)
		require.Equal(t, "the text of "+title, book.Text)
	}
}

// TestMapIsThereOnTheNextHost: whichever way the last one has gone, after whatever turns.
func TestMapIsThereOnTheNextHost(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*hosttest.Bus, *actorhost.Host){"stopped": (*hosttest.Bus).Stop, "killed": (*hosttest.Bus).Kill} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := hosttest.Start(t)
			host := b.Host(bookcases())
			at := troupe.GetOrCreate[bookcase](b.Client, "a")
			none, err := findBook.Call(t.Context(), at, "none")
			require.NoError(t, err)
			require.Nil(t, none)
			putAll(t, at, "b", "a", "", "ü / *", "b")
			requireBooks(t, at, "", "a", "b", "ü / *")
			for range 3 {
				next := b.Host(bookcases())
				end(b, host)
				host = next
				requireBooks(t, at, "", "a", "b", "ü / *")
				require.NoError(t, call(t.Context(), takeBook, at, "a"))
				requireBooks(t, at, "", "b", "ü / *")
				putAll(t, at, "a")
			}
			for range 20 {
				putAll(t, at, "c")
				require.NoError(t, call(t.Context(), takeBook, at, "c"))
			}
			requireBooks(t, at, "", "a", "b", "ü / *")
		})
	}
}

func TestMapIsAsBeforeAfterAFailedTurn(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, bookcases())
	at := troupe.GetOrCreate[bookcase](b.Client, "a")
	for _, how := range []string{"failed", "panic"} {
		require.Error(t, call(t.Context(), putBook, at, putting{Title: "a", Text: "never", How: how}))
		requireBooks(t, at)
	}
	putAll(t, at, "a")
	for _, how := range []string{"failed", "panic"} {
		require.Error(t, call(t.Context(), putBook, at, putting{Title: "a", Text: "never", How: how}))
		require.Error(t, call(t.Context(), putBook, at, putting{Title: "b", Text: "never", How: how}))
		requireBooks(t, at, "a")
	}
	require.ErrorContains(t, call(t.Context(), spoilBook, at, "a"), "bookcase/a.spoilBook is read-only: it may not set an item of books")
	require.NoError(t, call(t.Context(), resetBooks, at, nil), "the fields are what they were")
	requireBooks(t, at, "a")
}

// TestMapOfADestroyedActorIsGone: for the next one of the same ID, and in the end from the server.
func TestMapOfADestroyedActorIsGone(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, bookcases())
	at := troupe.GetOrCreate[bookcase](b.Client, "a")
	for range 3 {
		putAll(t, at, "a", "b")
		requireBooks(t, at, "a", "b")
		require.NoError(t, call(t.Context(), burnBooks, at, nil))
		requireBooks(t, at)
		putAll(t, at, "c")
		requireBooks(t, at, "c")
		require.NoError(t, call(t.Context(), burnBooks, at, nil))
	}
	records := recordsOf(t, b)
	require.Eventually(t, func() bool {
		lost, err := records.LostItems(t.Context())
		return err == nil && len(lost) == 0
	}, 10*time.Second, 10*time.Millisecond)
}

// TestMapLimits sets more than a record has room for, and more than a turn may.
func TestMapLimits(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, bookcases())
	at := troupe.GetOrCreate[bookcase](b.Client, "a")
	many := make([]putting, 400)
	for i := range many {
		many[i] = putting{Title: fmt.Sprintf("%03d", i), Text: strings.Repeat("a", 400)}
	}
	for range 4 { // more than a record has room for
		require.NoError(t, call(t.Context(), putMany, at, many))
		for i := range many {
			many[i].Title = "x" + many[i].Title
		}
	}
	counted, err := countBooks.Call(t.Context(), at, "xx")
	require.NoError(t, err)
	require.Equal(t, 1600, counted.Count)
	require.Len(t, counted.Titles, 800)
	require.IsIncreasing(t, counted.Places)

	err = call(t.Context(), putBook, at, putting{Title: "large", Text: strings.Repeat("a", 256<<10)})
	require.ErrorIs(t, err, troupe.ErrTooLarge)
	require.ErrorContains(t, err, "at most 262144 are possible")
	require.NoError(t, call(t.Context(), putBook, at, putting{Title: "large", Text: strings.Repeat("a", 250<<10)}))
	err = call(t.Context(), putBook, at, putting{Title: strings.Repeat("a", 1025)})
	require.ErrorIs(t, err, troupe.ErrBadInput)
	counted, err = countBooks.Call(t.Context(), at, "m")
	require.NoError(t, err)
	require.Equal(t, 1601, counted.Count)
}

// TestMapsThatCannotBe are errors of Start.
func TestMapsThatCannotBe(t *testing.T) {
	t.Parallel()
	type within struct{ Items actorhost.Map[string, int] }
	b := hosttest.Start(t)
	for name, test := range map[string]struct {
		define actorhost.Definition
		want   string
	}{
		"in a list":         {defineState[struct{ All []within }](), "must be a field of the struct itself"},
		"in another struct": {defineState[struct{ One within }](), "must be a field of the struct itself"},
		"a name that is none": {defineState[struct {
			Items actorhost.Map[string, int] `json:"a.b"`
		}](), "a.b"},
		"two of a name": {defineState[struct {
			A actorhost.Map[string, int] `json:"B"`
			B actorhost.Map[string, int]
		}](), "two maps named B"},
		"of what has no encoding": {defineState[struct{ Items actorhost.Map[string, func()] }](), "cannot be encoded"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := actorhost.Start(t.Context(), b.Connect(), actorhost.Config{}, test.define)
			require.ErrorContains(t, err, test.want)
		})
	}
}

func defineState[S any]() actorhost.Definition {
	return actorhost.Define(func() (none S) { return none },
		actorhost.On(burnBooks, actorhost.NoInNoOut(func(*S, *actorhost.Context) error { return nil })))
}

// TestCopyOfAMap is none of the actor's.
func TestCopyOfAMap(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, actorhost.Define(func() bookcaseState { return bookcaseState{} },
		actorhost.On(putBook, actorhost.NoOut(func(s *bookcaseState, c *actorhost.Context, one putting) error {
			books := s.Books
			return books.Set(c, one.Title, shelved{})
		})),
		actorhost.On(findBook, func(s *bookcaseState, c *actorhost.Context, title string) (*shelved, error) {
			c2, cancel := context.WithCancel(c)
			defer cancel()
			kept, _ := actorhost.FromContext(c2)
			_, _, err := s.Books.Get(kept, title)
			return nil, err
		})))
	at := troupe.GetOrCreate[bookcase](b.Client, "a")
	require.ErrorIs(t, call(t.Context(), putBook, at, putting{Title: "a"}), troupe.ErrInternal)
	_, err := findBook.Call(t.Context(), at, "a")
	require.NoError(t, err)
}

// TestTurnSeesItsOwnItems: what it has set and deleted, before that is stored.
func TestTurnSeesItsOwnItems(t *testing.T) {
	t.Parallel()
	seen := func(s *bookcaseState, c *actorhost.Context) (titles []string, err error) {
		for item, err := range s.Books.All(c) {
			if err != nil {
				return nil, err
			}
			titles = append(titles, item.Key+"="+item.Value.Text)
		}
		for _, title := range []string{"a", "b", "c"} {
			book, ok, err := s.Books.Get(c, title)
			if err != nil {
				return nil, err
			}
			titles = append(titles, fmt.Sprint(title, ok, book.Text))
		}
		return titles, nil
	}
	var titles []string
	b := hosttest.Start(t, actorhost.Define(func() bookcaseState { return bookcaseState{} },
		actorhost.On(putBook, actorhost.NoOut(func(s *bookcaseState, c *actorhost.Context, one putting) (err error) {
			if err := errors.Join(s.Books.Set(c, "a", shelved{Text: one.Text}), s.Books.Set(c, "c", shelved{Text: one.Text}),
				s.Books.Delete(c, "b")); err != nil {
				return err
			}
			titles, err = seen(s, c)
			return err
		})),
		actorhost.On(burnBooks, actorhost.NoInNoOut(func(s *bookcaseState, c *actorhost.Context) error {
			return errors.Join(s.Books.Set(c, "b", shelved{Text: "1"}), s.Books.Set(c, "c", shelved{Text: "1"}))
		}))))
	at := troupe.GetOrCreate[bookcase](b.Client, "a")
	require.NoError(t, call(t.Context(), burnBooks, at, nil))
	require.NoError(t, call(t.Context(), putBook, at, putting{Text: "2"}))
	require.Equal(t, []string{"a=2", "c=2", "atrue2", "bfalse", "ctrue2"}, titles)
}

// TestMapKeyThatIsTooLong is refused, also to who only looks: a line that is too long for the server would end the host.
func TestMapKeyThatIsTooLong(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, bookcases())
	at, long := troupe.GetOrCreate[bookcase](b.Client, strings.Repeat("=", 1000)), strings.Repeat("/", 1000)
	putAll(t, at, "a")
	for range 2 {
		_, err := peekBook.Call(t.Context(), at, long)
		require.ErrorIs(t, err, troupe.ErrTooLarge)
		require.ErrorIs(t, call(t.Context(), takeBook, at, long), troupe.ErrTooLarge)
		require.ErrorIs(t, call(t.Context(), putBook, at, putting{Title: long}), troupe.ErrTooLarge)
	}
	requireBooks(t, at, "a")
}

// TestMapOfWhatHasNoFields is a set of keys.
func TestMapOfWhatHasNoFields(t *testing.T) {
	t.Parallel()
	type state struct {
		Titles actorhost.Map[string, struct{}]
	}
	b := hosttest.Start(t, actorhost.Define(func() state { return state{} },
		actorhost.On(takeBook, actorhost.NoOut(func(s *state, c *actorhost.Context, title string) error {
			return s.Titles.Set(c, title, struct{}{})
		})),
		actorhost.On(countBooks, func(s *state, c *actorhost.Context, title string) (counted bookCount, err error) {
			_, there, err := s.Titles.Get(c, title)
			for one, err := range s.Titles.All(c) {
				counted.Titles = append(counted.Titles, one.Key+fmt.Sprintf(" %t", there && err == nil))
			}
			return counted, err
		})))
	at := troupe.GetOrCreate[bookcase](b.Client, "a")
	require.NoError(t, call(t.Context(), takeBook, at, "t"))
	for range 2 {
		counted, err := countBooks.Call(t.Context(), at, "t")
		require.NoError(t, err)
		require.Equal(t, []string{"t true"}, counted.Titles)
		require.NoError(t, b.Client.Actor("bookcase", "a").Call(t.Context(), troupe.SleepAction, nil, nil))
	}
}

// TestMapThatIsFilledBeforeTheFirstCall: by hooks in whose wake it is made, and by the last host, which has died before it could store
// the items apart. Whoever sets more waits for that.
func TestMapThatIsFilledBeforeTheFirstCall(t *testing.T) {
	t.Parallel()
	type state struct{ Titles actorhost.Map[int, string] }
	fill := func(s *state, c *actorhost.Context) (err error) {
		for i := range 100 {
			err = errors.Join(err, s.Titles.Set(c, i, strings.Repeat("a", 1000)))
		}
		return err
	}
	b := hosttest.Start(t, actorhost.Define(func() state { return state{} },
		actorhost.OnCreate(troupe.NewConstructor[bookcase, troupe.None](), func(s *state, c *actorhost.Context, _ troupe.None) error {
			return fill(s, c)
		}),
		actorhost.On(burnBooks, actorhost.NoInNoOut(fill))).OnWake(fill))
	var left record.Parts
	set := &record.SetItems{Epoch: 1}
	for i := range 100 {
		key := record.ItemKey{Map: "Titles", Key: fmt.Sprintf("%03d", i)}
		set.Set(record.SetItem{ItemKey: key, Value: append([]byte{0xda, 1000 >> 8, 1000 & 0xff}, strings.Repeat("a", 1000)...)})
	}
	set.Apply(&left)
	one := record.Record{Owner: "dead", Epoch: 1, Created: true, State: []byte{0x80}}
	left.Fill(&one)
	_, err := recordsOf(t, b).Put(t.Context(), bustest.NewID(t, "bookcase", "left"), one)
	require.NoError(t, err)
	for _, key := range []string{"new", "left"} {
		require.NoError(t, call(t.Context(), burnBooks, troupe.GetOrCreate[bookcase](b.Client, key), nil))
	}
}
