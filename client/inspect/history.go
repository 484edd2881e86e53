package inspect

import (
	"bytes"
	"context"
	"slices"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/look"
	"github.com/troupe-go/troupe/internal/store"
)

// historyData is what the page of an actor's history shows.
type historyData struct {
	tab

	Revisions []revisionRow // the newest first
	Most      int           // how many are kept of each actor; 0: not known
}

// revisionRow is a revision of an actor's record.
type revisionRow struct {
	look.Revision

	Text string // the state, as people read it
	Same bool   // as in the revision before
	Cut  bool   // there is more of it, or no room for it
}

// mostHistory is how many bytes of states a page has.
const mostHistory = 512 << 10

func (p *pages) history(ctx context.Context, id troupe.ID, t tab) (any, error) {
	records, err := p.looker.Records(ctx)
	if err != nil {
		return nil, err
	}
	if records == nil {
		return nil, notFound("no host has run yet in the namespace " + p.namespace.Name())
	}
	defer func() { _ = records.Close() }() // no write is in flight
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	kept, err := look.History(ctx, records, id)
	if err != nil {
		return nil, err
	}
	if len(kept) == 0 {
		return nil, notFound("there is no actor " + look.ActorText(id))
	}
	data := &historyData{tab: t, Most: keptOf(ctx, records)}
	room := mostHistory
	for i := range slices.Backward(kept) {
		row := revisionRow{Revision: kept[i], Same: i > 0 && bytes.Equal(kept[i].State, kept[i-1].State)}
		if !row.Same {
			row.Text, row.Cut = stateText(row.State, min(room, mostState))
			room -= len(row.Text)
		}
		data.Revisions = append(data.Revisions, row)
	}
	return data, nil
}

// keptOf is how many revisions of each actor are kept, or 0 if that must not be asked.
func keptOf(ctx context.Context, records *store.Records) int {
	most, err := records.Kept(ctx)
	if err != nil {
		return 0
	}
	return most
}
