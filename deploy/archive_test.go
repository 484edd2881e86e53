package deploy_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/internal/dedup"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// archive archives an answer as a host does, and reads it.
func (g guarded) archive(t *testing.T, timeout time.Duration) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	archive := store.NewArchive(g.connect(t, "host"), ns, store.Settings{KeepAnswers: dedup.KeepFor(dedup.DefaultWindow)})
	defer archive.Close()
	type outcome struct {
		ref store.Ref
		err error
	}
	appended := make(chan outcome, 1)
	require.NoError(t, archive.Append([]byte("answer"), func(ref store.Ref, err error) { appended <- outcome{ref, err} }))
	select {
	case one := <-appended:
		if one.err != nil {
			return one.err
		}
		blocks, err := archive.Read(ctx, one.ref)
		if err == nil {
			require.Equal(t, []string{"answer"}, []string{string(blocks[0])})
		}
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
