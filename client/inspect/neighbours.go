package inspect

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/look"
	"github.com/troupe-go/troupe/internal/wire"
)

// neighboursData is what the page of an actor's neighbours shows.
type neighboursData struct {
	tab

	Picture   *picture
	Calls     []wire.NeighbourCalls // by this actor or of it, the most first
	Left      int                   // lines that are not shown
	Since     time.Time             // when the first of the hosts has started that tell
	Forgotten int64                 // lines that hosts have dropped, of all actors
	Hosts     int
	Silent    []string // hosts that do not tell, and why
}

// mostCalls is how many lines the table has.
const mostCalls = 200

func (p *pages) neighbours(ctx context.Context, id troupe.ID, t tab) (any, error) {
	hosts, err := p.looker.Up(ctx)
	if err != nil {
		return nil, err
	}
	type answer struct {
		host *look.Host
		told wire.Neighbours
		err  error
	}
	answers := make([]answer, len(hosts))
	for i := range hosts {
		answers[i].host = &hosts[i]
	}
	look.Each(answers, func(a *answer) { a.err = p.looker.Ask(ctx, p.namespace.Neighbours(a.host.ID, id), nil, &a.told) })
	data := &neighboursData{tab: t}
	sums := make(map[[3]string]wire.NeighbourCalls)
	for i := range answers {
		a := &answers[i]
		if a.err != nil {
			data.Silent = append(data.Silent, cmp.Or(a.host.Name, a.host.ID)+": "+a.err.Error())
			continue
		}
		data.Hosts++
		if since := time.UnixMilli(a.told.Since); data.Since.IsZero() || since.Before(data.Since) {
			data.Since = since
		}
		data.Left += a.told.Left
		data.Forgotten += a.told.Forgotten
		for _, one := range a.told.Calls {
			name := [3]string{one.From, one.To, one.Action}
			sums[name] = plusCalls(sums[name], one)
		}
	}
	data.Calls = slices.SortedFunc(maps.Values(sums), func(a, b wire.NeighbourCalls) int {
		return cmp.Or(cmp.Compare(b.Calls, a.Calls), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare(a.Action, b.Action))
	})
	data.Picture = pictureOf(id.Tokens(), data.Calls)
	data.Left += max(len(data.Calls)-mostCalls, 0)
	data.Calls = data.Calls[:min(len(data.Calls), mostCalls)]
	return data, ctx.Err()
}

// plusCalls adds what another host tells of the same calls, or of those of another action.
func plusCalls(a, b wire.NeighbourCalls) wire.NeighbourCalls {
	b.Calls += a.Calls
	b.Told += a.Told
	b.Failed += a.Failed
	b.Own += a.Own
	b.Last = max(a.Last, b.Last)
	return b
}
