package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/examples/batch/work"
	"github.com/troupe-go/troupe/examples/internal/stage/stagetest"
)

func TestMain(m *testing.M) { hosttest.Main(m) }

func TestProgram(t *testing.T) {
	t.Parallel()
	stagetest.RunTwice(t, run)
	stagetest.Take(t, tour, actors...)
}

func TestEveryItemIsProcessedOnce(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	b.Host(actors...)
	b.Host(actors...)
	items := makeItems(600)
	var done atomic.Int64
	results, err := processAll(t.Context(), b.Client, items, func() { done.Add(1) })
	require.NoError(t, err)
	require.EqualValues(t, len(items), done.Load())
	require.Len(t, results, len(items))
	want := make(map[string]work.Tally)
	for i, result := range results {
		digest := sha256.Sum256([]byte(items[i].Data))
		require.Equal(t, work.Result{Processed: true, Item: items[i], Digest: hex.EncodeToString(digest[:])}, result)
		tally := want[items[i].Type]
		want[items[i].Type] = work.Tally{Items: tally.Items + 1, Bytes: tally.Bytes + len(items[i].Data)}
	}
	require.Len(t, want, len(itemTypes))
	for itemType, tally := range want {
		got, err := work.GetTally.Call(t.Context(), troupe.GetOrCreate[work.Processor](b.Client, itemType), nil)
		require.NoError(t, err)
		require.Equal(t, tally, got, itemType)
	}
}

func TestFirstErrorEndsTheBatch(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t) // without a host
	_, err := processAll(t.Context(), b.Client, makeItems(500), func() { t.Error("an item was processed by nobody") })
	require.ErrorIs(t, err, troupe.ErrUnknownType)
}

func TestCanceledBatchReturns(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, actors...)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := processAll(ctx, b.Client, makeItems(500), cancel)
	require.ErrorIs(t, err, context.Canceled)
}

func TestItemOfAnotherTypeIsRefused(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, actors...)
	pdf := troupe.GetOrCreate[work.Processor](b.Client, "pdf")
	_, err := work.Process.Call(t.Context(), pdf, work.Item{Type: "png", Data: "a picture"})
	require.ErrorIs(t, err, work.ErrWrongType)
	tally, err := work.GetTally.Call(t.Context(), pdf, nil)
	require.NoError(t, err)
	require.Zero(t, tally)
}

func TestBarEnds(t *testing.T) {
	t.Parallel()
	for name, steps := range map[string]int{"when all is done": 3, "when the batch is given up": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			bar := newBar(&out, 3)
			for range steps {
				bar.increment()
			}
			bar.close()
			require.NotEmpty(t, out.String())
			require.False(t, bar.writer.IsRenderInProgress())
		})
	}
}
