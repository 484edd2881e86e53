package inspect

import (
	"context"
	"net/http"
)

func (p *pages) stuckOnes(ctx context.Context, _ *http.Request, page *page) (any, error) {
	page.Live = false
	data, err := p.stuck.read(ctx)
	if err != nil {
		return nil, err
	}
	page.At = data.at
	return data, nil
}
