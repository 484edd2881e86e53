package actorhost_test

import (
	"errors"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
)

// bookcase is an actor with maps: what is put on it, and where in the order it was.
type bookcase struct{ troupe.Ref }

func (bookcase) ActorType() string { return "bookcase" }

type putting struct {
	Title string `json:"title"`
	Text  string `json:"text"`
	How   string `json:"how"` // "": well; else the turn fails, in this way
}

type shelved struct {
	Text  string `json:"text"`
	Place int    `json:"place"`
}

type bookCount struct {
	Count  int      `json:"count"`
	Titles []string `json:"titles"`
	Places []int    `json:"places"`
}

var (
	putBook    = troupe.NewAction[bookcase, putting, troupe.None]("putBook")
	putMany    = troupe.NewAction[bookcase, []putting, troupe.None]("putMany")
	takeBook   = troupe.NewAction[bookcase, string, troupe.None]("takeBook")
	findBook   = troupe.NewAction[bookcase, string, *shelved]("findBook")
	peekBook   = troupe.NewAction[bookcase, string, *shelved]("peekBook") // is read-only
	countBooks = troupe.NewAction[bookcase, string, bookCount]("countBooks")
	spoilBook  = troupe.NewAction[bookcase, string, troupe.None]("spoilBook") // is read-only, and does not keep to it
	burnBooks  = troupe.NewAction[bookcase, troupe.None, troupe.None]("burnBooks")
	resetBooks = troupe.NewAction[bookcase, troupe.None, troupe.None]("resetBooks")
)

type bookcaseState struct {
	Count  int                                `json:"count"`
	Last   int                                `json:"last"`
	Books  actorhost.Map[string, shelved]     `json:"books"`
	Places actorhost.Map[int, string]         `json:"places"`
	Unused actorhost.Map[bookName, []shelved] `json:"unused"`
}

type bookName string

func bookcases() actorhost.Definition {
	return actorhost.Define(func() bookcaseState { return bookcaseState{} },
		actorhost.On(putBook, actorhost.NoOut((*bookcaseState).put)),
		actorhost.On(putMany, actorhost.NoOut(func(s *bookcaseState, c *actorhost.Context, all []putting) error {
			for _, one := range all {
				if err := s.put(c, one); err != nil {
					return err
				}
			}
			return nil
		})),
		actorhost.On(takeBook, actorhost.NoOut((*bookcaseState).take)),
		actorhost.On(findBook, (*bookcaseState).find),
		actorhost.On(peekBook, (*bookcaseState).find).ReadOnly(),
		actorhost.On(countBooks, (*bookcaseState).count).ReadOnly(),
		actorhost.On(spoilBook, actorhost.NoOut(func(s *bookcaseState, c *actorhost.Context, title string) error {
			return s.Books.Set(c, title, shelved{Text: "spoilt"})
		})).ReadOnly(),
		actorhost.On(burnBooks, actorhost.NoInNoOut(func(_ *bookcaseState, c *actorhost.Context) error { c.Destroy(); return nil })),
		actorhost.On(resetBooks, actorhost.NoInNoOut(func(s *bookcaseState, _ *actorhost.Context) error {
			*s = bookcaseState{Count: s.Count, Last: s.Last}
			return nil
		})))
}

func (s *bookcaseState) put(c *actorhost.Context, one putting) error {
	book, again, err := s.Books.Get(c, one.Title)
	if err != nil {
		return err
	}
	if !again {
		s.Count++
		s.Last++
		book.Place = s.Last
	}
	book.Text = one.Text
	if err := s.Books.Set(c, one.Title, book); err != nil {
		return err
	}
	if err := s.Places.Set(c, book.Place, one.Title); err != nil {
		return err
	}
	switch one.How {
	case "":
		return nil
	case "panic":
		panic("out of luck")
	}
	return errors.New(one.How)
}

func (s *bookcaseState) take(c *actorhost.Context, title string) error {
	book, there, err := s.Books.Get(c, title)
	if err != nil || !there {
		return err
	}
	s.Count--
	return errors.Join(s.Books.Delete(c, title), s.Places.Delete(c, book.Place))
}

func (s *bookcaseState) find(c *actorhost.Context, title string) (*shelved, error) {
	book, there, err := s.Books.Get(c, title)
	if err != nil || !there {
		return nil, err
	}
	return &book, nil
}

// count is what is there, from a title on.
func (s *bookcaseState) count(c *actorhost.Context, from string) (bookCount, error) {
	counted := bookCount{Count: s.Count}
	for book, err := range s.Books.From(c, from) {
		if err != nil {
			return counted, err
		}
		counted.Titles = append(counted.Titles, book.Key)
	}
	for place, err := range s.Places.All(c) {
		if err != nil {
			return counted, err
		}
		counted.Places = append(counted.Places, place.Key)
	}
	return counted, nil
}
