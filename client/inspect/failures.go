package inspect

import (
	"cmp"
	"context"
	"net/http"
	"slices"

	"github.com/troupe-go/troupe/internal/look"
	"github.com/troupe-go/troupe/internal/wire"
)

// failuresData is what the page about failures shows: of all hosts, the newest first.
type failuresData struct {
	Failed, Own, Slow []wire.RecentTurn
	Silent            int
}

// mostFailures is how many rows each of its tables has.
const mostFailures = 100

func (p *pages) failures(ctx context.Context, _ *http.Request, page *page) (any, error) {
	page.Live = false // one looks at it for longer than a second
	hosts, err := p.looker.Up(ctx)
	if err != nil {
		return nil, err
	}
	p.looker.Recent(ctx, hosts)
	data := failuresData{}
	for i := range hosts {
		if hosts[i].Err != nil {
			data.Silent++
		}
	}
	data.Failed = newest(hosts, func(r *wire.HostRecent) []wire.RecentTurn { return r.Failed })
	data.Own = newest(hosts, func(r *wire.HostRecent) []wire.RecentTurn { return r.Own })
	data.Slow = newest(hosts, func(r *wire.HostRecent) []wire.RecentTurn { return r.Slow })
	return data, ctx.Err()
}

func newest(hosts []look.Host, of func(*wire.HostRecent) []wire.RecentTurn) (all []wire.RecentTurn) {
	for i := range hosts {
		all = append(all, of(&hosts[i].Recent)...)
	}
	slices.SortStableFunc(all, func(a, b wire.RecentTurn) int { return cmp.Compare(b.At, a.At) })
	return all[:min(len(all), mostFailures)]
}
