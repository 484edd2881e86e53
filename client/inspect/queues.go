package inspect

import (
	"context"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/look"
	"github.com/troupe-go/troupe/internal/store"
)

// queuesData is what the page of an actor's queues shows.
type queuesData struct {
	tab

	Queues []store.QueueCount
	Dead   []letterRow
	More   bool // there are further dead letters
}

// letterRow is a dead letter.
type letterRow struct {
	look.DeadLetter

	Text string // the message, in one line
}

// mostLetters is how many dead letters are shown.
const mostLetters = 100

func (p *pages) queues(ctx context.Context, id troupe.ID, t tab) (any, error) {
	data := &queuesData{tab: t}
	var err error
	if data.Queues, err = p.looker.Queues(ctx, id); err != nil {
		return nil, err
	}
	letters, more, err := p.looker.DeadLetters(ctx, id, look.AnyQueue, mostLetters)
	if err != nil {
		return nil, err
	}
	data.More = more
	for _, one := range letters {
		data.Dead = append(data.Dead, letterRow{one, cut(string(one.Message))})
	}
	return data, nil
}
