package actorhost_test

import (
	"context"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

// The contract of a library.
type Library struct{ troupe.Ref }

func (Library) ActorType() string { return "library" }

type LibraryBook struct {
	ISBN  string `json:"isbn"`
	Title string `json:"title"`
}

var (
	AddBook   = troupe.NewAction[Library, LibraryBook, int]("addBook")
	FindTitle = troupe.NewAction[Library, string, string]("findTitle")
	ListFrom  = troupe.NewAction[Library, string, []string]("listFrom")
)

// libraryState has any number of books: adding one writes that book and the count, and waking reads none.
type libraryState struct {
	Count int                           `json:"count"`
	Books actorhost.Map[string, string] `json:"books"` // titles by ISBN
}

func (s *libraryState) addBook(c *actorhost.Context, b LibraryBook) (int, error) {
	_, known, err := s.Books.Get(c, b.ISBN)
	if err != nil {
		return 0, err
	}
	if !known {
		s.Count++
	}
	return s.Count, s.Books.Set(c, b.ISBN, b.Title) // the count and the book are stored together
}

func (s *libraryState) findTitle(c *actorhost.Context, isbn string) (string, error) {
	title, _, err := s.Books.Get(c, isbn)
	return title, err
}

// listFrom lists two books from an ISBN on.
func (s *libraryState) listFrom(c *actorhost.Context, isbn string) (titles []string, err error) {
	for book, err := range s.Books.From(c, isbn) {
		if err != nil || len(titles) == 2 {
			return titles, err
		}
		titles = append(titles, book.Value)
	}
	return titles, nil
}

func ExampleMap() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{},
		actorhost.Define(func() libraryState { return libraryState{} },
			actorhost.On(AddBook, (*libraryState).addBook),
			actorhost.On(FindTitle, (*libraryState).findTitle).ReadOnly(),
			actorhost.On(ListFrom, (*libraryState).listFrom).ReadOnly()))
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	library := troupe.GetOrCreate[Library](c, "main")
	for _, book := range []LibraryBook{{"0-02", "Middlemarch"}, {"0-01", "Emma"}, {"0-03", "Villette"}, {"0-01", "Emma"}} {
		count, _ := AddBook.Call(ctx, library, book)
		fmt.Println(count, book.Title)
	}
	fmt.Println(FindTitle.Call(ctx, library, "0-03"))
	fmt.Println(ListFrom.Call(ctx, library, "0-01"))
	// Output:
	// 1 Middlemarch
	// 2 Emma
	// 3 Villette
	// 3 Emma
	// Villette <nil>
	// [Emma Middlemarch] <nil>
}
