package gateway

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/look"
	"github.com/troupe-go/troupe/internal/wire"
)

// explainTime bounds what is looked up only to explain an error. Many users may not look.
const explainTime = time.Second

// explain adds to the error of an unknown type which types there are. Which actions there are, hosts say themselves.
func (u *user) explain(ctx context.Context, ns wire.Namespace, err error) error {
	unknown, ok := errors.AsType[*troupe.Error](err)
	if !ok || !errors.Is(err, troupe.ErrUnknownType) {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, explainTime)
	defer cancel()
	hosts, failed := look.New(u.nc, ns, explainTime).Up(ctx)
	if failed != nil {
		return err
	}
	explained := *unknown
	if types := look.TypesOf(hosts); len(types) > 0 {
		explained.Message += "; those that are up serve " + strings.Join(types, ", ")
	} else {
		explained.Message += "; no host at all is up in the namespace " + ns.Name()
	}
	return &explained
}
