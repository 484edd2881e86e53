package store_test

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/internal/bustest"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

const answersStream = "troupe-answers"

// archive is an archive and the stream beneath it.
type archive struct {
	*store.Archive
	js jetstream.JetStream
}

func newArchive(t *testing.T, nc *nats.Conn, keep time.Duration, maxBytes int64) archive {
	t.Helper()
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	a := archive{store.NewArchive(nc, ns, store.Settings{
		Cluster: nc.ConnectedClusterName() != "", KeepAnswers: keep, MaxBytes: store.MaxBytes{Answers: maxBytes},
	}), js}
	t.Cleanup(a.Close)
	return a
}

// appended is the outcome of one Append.
type appended struct {
	ref store.Ref
	err error
}

// start appends a block, and returns where its outcome will be.
func (a archive) start(t *testing.T, block []byte) <-chan appended {
	t.Helper()
	outcome := make(chan appended, 2)
	require.NoError(t, a.Append(block, func(ref store.Ref, err error) { outcome <- appended{ref, err} }))
	return outcome
}

func (a archive) append(t *testing.T, block string) (store.Ref, error) {
	t.Helper()
	one := <-a.start(t, []byte(block))
	return one.ref, one.err
}

// mustAppend appends a block, which is to be stored.
func (a archive) mustAppend(t *testing.T, block string) store.Ref {
	t.Helper()
	ref, err := a.append(t, block)
	require.NoError(t, err)
	return ref
}

// read reads one block, or nil.
func (a archive) read(t *testing.T, ref store.Ref) []byte {
	t.Helper()
	blocks, err := a.Read(t.Context(), ref)
	require.NoError(t, err)
	require.Len(t, blocks, 1)
	return blocks[0]
}

// unreadable is the error when blocks are read.
func (a archive) unreadable(t *testing.T, refs ...store.Ref) error {
	t.Helper()
	blocks, err := a.Read(t.Context(), refs...)
	require.Error(t, err)
	require.Nil(t, blocks)
	return err
}

func (a archive) made(t *testing.T) int64 {
	t.Helper()
	made, err := a.Made(t.Context())
	require.NoError(t, err)
	return made
}

func (a archive) info(t *testing.T) *jetstream.StreamInfo {
	t.Helper()
	stream, err := a.js.Stream(t.Context(), answersStream)
	require.NoError(t, err)
	return stream.CachedInfo()
}

func TestArchiveIsMadeWhenItIsNeeded(t *testing.T) {
	t.Parallel()
	nc := bustest.Connect(t)
	a := newArchive(t, nc, time.Hour, 0)
	require.Zero(t, a.made(t))
	require.ErrorIs(t, a.unreadable(t, store.Ref{Sequence: 1, Offset: 1}), store.ErrBeyondEnd)
	blocks, err := a.Read(t.Context())
	require.NoError(t, err)
	require.Empty(t, blocks)
	require.Empty(t, streams(t, nc))

	ref := a.mustAppend(t, "one")
	info := a.info(t)
	require.Equal(t, info.Created.UnixNano(), a.made(t))
	require.Equal(t, store.Ref{Made: a.made(t), Sequence: 1, Offset: 1}, ref)
	require.Len(t, info.Config.Subjects, 1)
	require.Regexp(t, `^troupe\.answers\.[A-Z0-9]+$`, info.Config.Subjects[0])
	require.Equal(t, time.Hour, info.Config.MaxAge)
	require.Equal(t, jetstream.FileStorage, info.Config.Storage)
	require.Equal(t, jetstream.DiscardNew, info.Config.Discard)
	require.True(t, info.Config.AllowDirect)
	require.Negative(t, info.Config.MaxBytes)
}

// TestArchiveGroupsBlocks: blocks that come together share messages, and each is found by itself and with the others.
func TestArchiveGroupsBlocks(t *testing.T) {
	t.Parallel()
	const blocks = 1000
	a := newArchive(t, bustest.Connect(t), time.Hour, 0)
	stored, want := make([]<-chan appended, blocks), make([][]byte, blocks)
	for i := range blocks {
		want[i] = bytes.Repeat(fmt.Append(nil, i), i%50) // some are empty
		if i%300 == 200 {
			want[i] = bytes.Repeat(want[i], 100+i) // too large for a group
		}
		stored[i] = a.start(t, want[i])
	}
	refs := make([]store.Ref, blocks)
	places := make(map[store.Ref]bool)
	for i, outcome := range stored {
		one := <-outcome
		require.NoError(t, one.err)
		refs[i] = one.ref
		places[one.ref] = true
	}
	require.Len(t, places, blocks, "each has a place of its own")
	messages := a.info(t).State.Msgs
	require.Less(t, messages, uint64(blocks/10))

	got, err := a.Read(t.Context(), refs...)
	require.NoError(t, err)
	require.Len(t, got, blocks)
	for i := range blocks {
		require.NotNil(t, got[i])
		require.Equal(t, string(want[i]), string(got[i]))
	}
	require.Equal(t, string(want[200]), string(a.read(t, refs[200])))
	shared := make(map[uint64]int)
	for _, ref := range refs {
		shared[ref.Sequence]++
	}
	stream, err := a.js.Stream(t.Context(), answersStream)
	require.NoError(t, err)
	for sequence, n := range shared {
		msg, err := stream.GetMsg(t.Context(), sequence)
		require.NoError(t, err)
		require.True(t, n == 1 || len(msg.Data) <= 16<<10, "%d blocks in %d bytes", n, len(msg.Data))
	}
}

func TestArchiveIsFull(t *testing.T) {
	t.Parallel()
	a := newArchive(t, bustest.Connect(t), time.Hour, 10_000)
	block := strings.Repeat("x", 3000)
	first := a.mustAppend(t, block)
	var err error
	for err == nil {
		_, err = a.append(t, block)
	}
	require.ErrorIs(t, err, store.ErrFull)
	require.ErrorContains(t, err, "maximum bytes exceeded")
	require.Equal(t, block, string(a.read(t, first)), "what is stored stays")
	stream, err := a.js.Stream(t.Context(), answersStream)
	require.NoError(t, err)
	require.NoError(t, stream.Purge(t.Context()))
	require.Equal(t, block, string(a.read(t, a.mustAppend(t, block))))
	require.ErrorContains(t, a.unreadable(t, first), "it was purged", "it cannot be too old")
}

func TestArchiveIsClosed(t *testing.T) {
	t.Parallel()
	a := newArchive(t, bustest.Connect(t), time.Hour, 0)
	ref := a.mustAppend(t, "one")
	for range 2 {
		a.Close()
	}
	require.ErrorContains(t, a.Append([]byte("two"), func(store.Ref, error) { t.Error("done was called") }), "closed")
	require.Equal(t, "one", string(a.read(t, ref)))
}

// TestAppendsAndReadsAtOnce has many goroutines append and read.
func TestAppendsAndReadsAtOnce(t *testing.T) {
	t.Parallel()
	a := newArchive(t, bustest.Connect(t), time.Hour, 0)
	var all sync.WaitGroup
	for writer := range 20 {
		all.Go(func() {
			var refs []store.Ref
			for i := range 20 {
				one := <-a.start(t, fmt.Append(nil, writer, i))
				if one.err != nil {
					t.Error(one.err)
					return
				}
				refs = append(refs, one.ref)
			}
			blocks, err := a.Read(t.Context(), refs...)
			if err != nil {
				t.Error(err)
				return
			}
			for i, block := range blocks {
				if want := fmt.Sprint(writer, i); string(block) != want {
					t.Errorf("%q, not %q", block, want)
				}
			}
		})
	}
	all.Wait()
	require.NotZero(t, a.made(t))
}
