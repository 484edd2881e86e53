package inspect

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"

	"github.com/nats-io/nats.go/micro"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/look"
	"github.com/troupe-go/troupe/internal/wire"
)

// hostData is what the page of a host shows.
type hostData struct {
	hostRow

	Version  string         // of its program; empty: not known
	Info     *wire.HostInfo // nil: not known
	Running  []wire.RunningTurn
	Left     int // what runs beside those
	Recent   wire.HostRecent
	Unknown  []string // what it has not told, and why
	Now      span
	Turns    []wire.TurnFigures // of Now
	TurnLeft int                // turns that are not shown
	Types    []typeRow
}

// typeRow is an actor type that a host serves.
type typeRow struct {
	Name    string
	Awake   int
	Largest int64 // state, in bytes
}

// What the page of a host shows at most.
const mostRunning, mostRecent = 50, 20

func (p *pages) hostPage(ctx context.Context, r *http.Request, page *page) (any, error) {
	id := r.URL.Query().Get("id")
	seen, err := p.samples.last(ctx)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(seen.hosts, func(h look.Host) bool { return h.ID == id })
	if at < 0 {
		return nil, notFound("no host " + clean(id) + " is up: it has stopped, or lost its lease and has another id")
	}
	page.At = seen.all.At
	data := &hostData{hostRow: rowOf(seen.hosts[at])}
	page.Title = cmp.Or(clean(data.Name), "Host")
	if data.Problem != "" {
		return data, nil
	}
	data.addTypes()
	data.Now, _ = p.samples.recent(func(s *sample) look.Overview {
		return look.Together(slices.DeleteFunc(slices.Clone(s.hosts), func(h look.Host) bool { return h.ID != id }), 0)
	})
	data.Turns = data.Now.Turns[:min(len(data.Now.Turns), mostTurns)]
	data.TurnLeft = len(data.Now.Turns) - len(data.Turns)
	return data, p.askHost(ctx, data)
}

// rowOf is what the overview shows of a host.
func rowOf(h look.Host) hostRow {
	row := hostRow{Host: h, Sum: together(h.Figures.Turns)}
	for _, n := range h.Figures.Types {
		row.Awake += n
	}
	if h.Err != nil {
		row.Problem = h.Err.Error()
	}
	return row
}

func (d *hostData) addTypes() {
	names := make(map[string]bool)
	for _, name := range d.Host.Types {
		names[name] = true
	}
	for name := range d.Figures.Types { // the lease may have no room for all
		names[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		d.Types = append(d.Types, typeRow{name, d.Figures.Types[name], d.Figures.Largest[name]})
	}
}

// askHost asks a host for what only its own page shows. What it does not tell is left out, and said.
func (p *pages) askHost(ctx context.Context, d *hostData) error {
	all := int64(0)
	query, err := json.Marshal(wire.AwakeQuery{Longer: &all, Limit: mostRunning})
	if err != nil {
		return err
	}
	ping, err := micro.ControlSubject(micro.PingVerb, p.namespace.Name(), d.ID)
	if err != nil {
		return &troupe.Error{Code: troupe.CodeBadInput, Message: err.Error()}
	}
	var info wire.HostInfo
	var running wire.AwakePage
	var service micro.ServiceIdentity
	type question struct {
		what, subject string
		body          []byte
		into          any
		err           error
	}
	questions := []question{
		{what: "its state and its tenants", subject: p.namespace.Info(d.ID), into: &info},
		{what: "what runs", subject: p.namespace.Awake(d.ID), body: query, into: &running},
		{what: "what has failed", subject: p.namespace.Recent(d.ID), into: &d.Recent},
		{what: "its version", subject: ping, into: &service},
	}
	look.Each(questions, func(q *question) { q.err = p.looker.Ask(ctx, q.subject, q.body, q.into) })
	for i := range questions {
		if err := questions[i].err; err != nil {
			d.Unknown = append(d.Unknown, questions[i].what+": "+err.Error())
		}
	}
	if questions[0].err == nil {
		d.Info = &info
	}
	d.Version, d.Left = service.Version, running.Left
	for i := range running.Actors {
		if turn := running.Actors[i].Running; turn != nil {
			d.Running = append(d.Running, *turn)
		}
	}
	for _, turns := range []*[]wire.RecentTurn{&d.Recent.Failed, &d.Recent.Slow, &d.Recent.Own} {
		*turns = (*turns)[:min(len(*turns), mostRecent)]
	}
	return ctx.Err()
}
