package inspect

import (
	"context"
	"net/http"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/look"
)

// tab is what each page of an actor shows: which actor it is, and the way to its other pages.
type tab struct {
	Type, Key string
	Page      string // name of this one
	Write     bool   // its reader may change things
}

// ofActor makes the data of a page of an actor.
func (p *pages) ofActor(produce func(context.Context, troupe.ID, tab) (any, error)) maker {
	return func(ctx context.Context, r *http.Request, page *page) (any, error) {
		page.Live = false
		id, err := idOf(r.URL.Query().Get("type"), r.URL.Query().Get("key"))
		if err != nil {
			return nil, err
		}
		page.Title = look.ActorText(id) + " – " + page.Title
		return produce(ctx, id, tabOf(id, page))
	}
}

func tabOf(id troupe.ID, page *page) tab {
	return tab{id.Type(), look.KeyText(id), page.Name, page.Write}
}
