package inspect

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/contract"
	"github.com/troupe-go/troupe/internal/look"
	"github.com/troupe-go/troupe/internal/wire"
)

// typeData is what the page of an actor type shows.
type typeData struct {
	Type     string
	Hosts    int // that run it
	Silent   int // hosts that do not reply
	Rows     []contract.Row
	Problem  string // why there are no rows
	Contract string // as JSON
	Turns    []wire.TurnFigures
	Now      span
	Awake    int
	Actors   []wire.AwakeActor
	Longer   string // the filter; empty: all
	Left     int    // that run for as long, beside Actors
	Next     string // where the next page begins; empty: there is none
	First    bool   // this is the first page
}

// pageLength is how many actors are on a page.
const pageLength = 50

func (p *pages) actorType(ctx context.Context, r *http.Request, page *page) (any, error) {
	query := r.URL.Query()
	name := query.Get("name")
	page.Title = clean(name)
	if err := troupe.CheckName("actor type", name); err != nil {
		return nil, err
	}
	seen, err := p.samples.last(ctx)
	if err != nil {
		return nil, err
	}
	now, _ := p.samples.recent(everywhere)
	of := func(one wire.TurnFigures) bool { return one.Type != name }
	data := &typeData{Type: name, Longer: query.Get("longer"), Turns: slices.DeleteFunc(slices.Clone(now.Turns), of), Now: now}
	var hosts []look.Host
	for _, h := range seen.hosts {
		data.Awake += h.Figures.Types[name]
		if h.MayRun(name) {
			hosts = append(hosts, h)
		}
	}
	if data.Hosts = len(hosts); data.Hosts == 0 {
		return nil, notFound("no host serves the actor type " + name)
	}
	p.addContract(ctx, data, hosts)
	if data.Longer == "" {
		data.First = query.Get("at") == ""
		return data, p.addPage(ctx, data, hosts, query.Get("at"))
	}
	return data, p.addLonger(ctx, data, hosts)
}

func (p *pages) addContract(ctx context.Context, data *typeData, hosts []look.Host) {
	found, err := p.looker.Contract(ctx, hosts, data.Type)
	if err == nil {
		data.Rows, err = contract.Rows(found)
	}
	if err != nil {
		data.Problem = err.Error()
		return
	}
	if text, err := json.MarshalIndent(found, "", "  "); err == nil {
		data.Contract = cleanLines(string(text))
	}
}

// addPage adds the actors of one page. It begins at a host and a place there, and goes on to further hosts until it is full.
func (p *pages) addPage(ctx context.Context, data *typeData, hosts []look.Host, at string) error {
	slices.SortFunc(hosts, func(a, b look.Host) int { return cmp.Compare(a.ID, b.ID) })
	from, place, _ := strings.Cut(at, ":")
	for i := range hosts {
		h := &hosts[i]
		if h.ID < from {
			continue
		}
		if len(data.Actors) >= pageLength {
			data.Next = h.ID + ":"
			return nil
		}
		query := wire.AwakeQuery{Type: data.Type, Limit: pageLength - len(data.Actors)}
		if h.ID == from {
			query.Next = place
		}
		found, err := p.awake(ctx, h, query)
		if err != nil {
			data.Silent++
			continue
		}
		data.Actors = append(data.Actors, found.Actors...)
		if found.Next != "" {
			data.Next = h.ID + ":" + found.Next
			return nil
		}
	}
	return ctx.Err()
}

// addLonger adds the actors of all hosts that run for some time, the longest first.
func (p *pages) addLonger(ctx context.Context, data *typeData, hosts []look.Host) error {
	longer, err := time.ParseDuration(data.Longer)
	if err != nil || longer < 0 {
		return &troupe.Error{Code: troupe.CodeBadInput,
			Message: fmt.Sprintf("%q is no duration such as 500ms, 5s or 2m", clean(data.Longer))}
	}
	atLeast := longer.Milliseconds()
	type answer struct {
		host *look.Host
		page wire.AwakePage
		err  error
	}
	answers := make([]answer, len(hosts))
	for i := range hosts {
		answers[i].host = &hosts[i]
	}
	look.Each(answers, func(a *answer) {
		a.page, a.err = p.awake(ctx, a.host, wire.AwakeQuery{Type: data.Type, Longer: &atLeast, Limit: pageLength})
	})
	for i := range answers {
		if answers[i].err != nil {
			data.Silent++
		}
		data.Actors = append(data.Actors, answers[i].page.Actors...)
		data.Left += answers[i].page.Left
	}
	slices.SortStableFunc(data.Actors, func(a, b wire.AwakeActor) int { return cmp.Compare(runsFor(&b), runsFor(&a)) })
	data.Left += max(len(data.Actors)-pageLength, 0)
	data.Actors = data.Actors[:min(len(data.Actors), pageLength)]
	return ctx.Err()
}

func runsFor(a *wire.AwakeActor) int64 {
	if a.Running == nil {
		return 0
	}
	return a.Running.For
}

func (p *pages) awake(ctx context.Context, h *look.Host, query wire.AwakeQuery) (found wire.AwakePage, err error) {
	body, err := json.Marshal(query)
	if err == nil {
		err = p.looker.Ask(ctx, p.namespace.Awake(h.ID), body, &found)
	}
	return found, err
}
