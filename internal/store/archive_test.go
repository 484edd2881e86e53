package store_test

import (
	"bytes"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/bus"
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
	a := archive{store.NewArchive(nc, ns, 0, keep, maxBytes), js}
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
	require.Nil(t, a.read(t, first))
}

// TestArchiveForgets: what is too old is nil, and what is after the end is an error.
func TestArchiveForgets(t *testing.T) {
	t.Parallel()
	a := newArchive(t, bustest.Connect(t), 2*time.Second, 0)
	first := a.mustAppend(t, "first")
	beyond := store.Ref{Sequence: first.Sequence + 1, Offset: 1}
	require.ErrorIs(t, a.unreadable(t, first, beyond), store.ErrBeyondEnd)

	require.Eventually(t, func() bool { return a.read(t, first) == nil }, 20*time.Second, 50*time.Millisecond)
	require.ErrorIs(t, a.unreadable(t, beyond), store.ErrBeyondEnd)
	require.NotNil(t, a.read(t, a.mustAppend(t, "second")))
}

func TestBlocksThatWereDeleted(t *testing.T) {
	t.Parallel()
	a := newArchive(t, bustest.Connect(t), time.Hour, 0)
	var refs []store.Ref
	for i := range 3 {
		refs = append(refs, a.mustAppend(t, fmt.Sprint(i)))
	}
	stream, err := a.js.Stream(t.Context(), answersStream)
	require.NoError(t, err)
	require.NoError(t, stream.DeleteMsg(t.Context(), refs[1].Sequence))
	blocks, err := a.Read(t.Context(), refs...)
	require.NoError(t, err)
	require.Equal(t, [][]byte{[]byte("0"), nil, []byte("2")}, blocks)
}

func TestArchiveRefusesWhatOthersWrote(t *testing.T) {
	t.Parallel()
	a := newArchive(t, bustest.Connect(t), time.Hour, 0)
	good := a.mustAppend(t, "good")
	for name, message := range map[string]*nats.Msg{
		"nothing":              {},
		"a header alone":       {Header: nats.Header{"A": {"b"}}},
		"only a version":       {Data: []byte{1}},
		"another version":      {Data: []byte("\x02\x01a")},
		"a length of too much": {Data: []byte("\x01\x02a")},
		"a length without end": {Data: []byte("\x01\x80\x80\x80")},
		"an endless length":    {Data: []byte("\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")},
		"the largest length":   {Data: []byte("\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")},
		"text":                 {Data: []byte("hello")},
	} {
		message.Subject = a.info(t).Config.Subjects[0]
		ack, err := a.js.PublishMsg(t.Context(), message)
		require.NoError(t, err)
		for _, offset := range []uint32{0, 1, 2, 1<<32 - 1} {
			err := a.unreadable(t, good, store.Ref{Sequence: ack.Sequence, Offset: offset})
			require.ErrorIs(t, err, store.ErrBadAnswers, "%s, at %d", name, offset)
		}
	}
	for _, offset := range []uint32{0, 2, 5, 6, 7} {
		err := a.unreadable(t, store.Ref{Sequence: good.Sequence, Offset: offset})
		require.ErrorIs(t, err, store.ErrBadAnswers, "at %d", offset)
	}
}

// TestArchiveIsMadeAgain: the stream is deleted and made again while archives run. They notice when they append or read,
// though the new stream has messages of the same sequences.
func TestArchiveIsMadeAgain(t *testing.T) {
	t.Parallel()
	connect := bustest.Start(t)
	newOne := func() archive { return newArchive(t, connect(), time.Hour, 0) }
	deleting, reading, behind, ahead, appending := newOne(), newOne(), newOne(), newOne(), newOne()
	one := deleting.mustAppend(t, "one")
	two := deleting.mustAppend(t, "two")
	for _, a := range []archive{reading, behind, ahead, appending} {
		require.Equal(t, "one", string(a.read(t, one)))
		require.Equal(t, one.Made, a.made(t))
	}

	require.NoError(t, deleting.js.DeleteStream(t.Context(), answersStream))
	require.ErrorIs(t, deleting.unreadable(t, one), store.ErrBeyondEnd)
	require.Zero(t, deleting.made(t), "it has noticed")
	three := deleting.mustAppend(t, "three")
	require.Equal(t, one.Sequence, three.Sequence)
	require.Greater(t, three.Made, one.Made)
	require.Equal(t, three.Made, deleting.made(t))

	require.ErrorIs(t, reading.unreadable(t, one), store.ErrBeyondEnd)
	require.ErrorIs(t, behind.unreadable(t, two), store.ErrBeyondEnd)
	require.Equal(t, "three", string(ahead.read(t, three)))
	four := appending.mustAppend(t, "four")
	require.Equal(t, two.Sequence, four.Sequence)
	for _, a := range []archive{reading, behind, ahead, appending} {
		require.Equal(t, three.Made, a.made(t), "it has noticed")
		require.Equal(t, "four", string(a.read(t, four)))
		require.ErrorIs(t, a.unreadable(t, four, two), store.ErrBeyondEnd)
		require.Equal(t, "four", string(a.read(t, store.Ref{Sequence: two.Sequence, Offset: two.Offset})), "of any stream")
	}
}

// TestSubjectOfAnotherStream: answers must not get lost in a stream that takes everything.
func TestSubjectOfAnotherStream(t *testing.T) {
	t.Parallel()
	a := newArchive(t, bustest.Connect(t), time.Hour, 0)
	a.mustAppend(t, "one")
	require.NoError(t, a.js.DeleteStream(t.Context(), answersStream))
	_, err := a.js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "all", Subjects: []string{"troupe.>"}})
	require.NoError(t, err)
	for range 2 {
		_, err = a.append(t, "two")
		require.Error(t, err)
	}
	require.NoError(t, a.js.DeleteStream(t.Context(), "all"))
	a.mustAppend(t, "three")
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

// behindProxy connects through a proxy that loses what the server sends while drop is true. Conns are its connections.
func behindProxy(t *testing.T) (nc, direct *nats.Conn, drop *atomic.Bool, conns <-chan net.Conn) {
	t.Helper()
	url := bustest.Serve(t, &server.Options{JetStream: true, StoreDir: t.TempDir()}).ClientURL()
	drop = new(atomic.Bool)
	through := make(chan net.Conn, 16)
	proxy := bustest.Listen(t, func(conn net.Conn) {
		through <- conn
		bustest.Forward(conn, strings.TrimPrefix(url, "nats://"), drop)
	})
	connect := func(url string) *nats.Conn {
		nc, err := bus.Connect(t.Context(), bus.Config{URL: url})
		require.NoError(t, err)
		t.Cleanup(nc.Close)
		return nc
	}
	return connect(proxy), connect(url), drop, through
}

// startLost appends a block whose acknowledgement is lost, and others that wait for it.
func startLost(t *testing.T, a archive, direct *nats.Conn, drop *atomic.Bool) (lost <-chan appended, waiting []<-chan appended) {
	t.Helper()
	a.mustAppend(t, "one")
	drop.Store(true)
	lost = a.start(t, []byte("two"))
	require.Eventually(t, func() bool { return streams(t, direct)[answersStream] == 2 }, 10*time.Second, time.Millisecond)
	for range 10 {
		waiting = append(waiting, a.start(t, []byte("three")))
	}
	return lost, waiting
}

func TestArchiveIsClosedWhileBlocksWait(t *testing.T) {
	t.Parallel()
	nc, direct, drop, _ := behindProxy(t)
	a := newArchive(t, nc, time.Hour, 0)
	lost, waiting := startLost(t, a, direct, drop)
	a.Close()
	require.ErrorIs(t, (<-lost).err, store.ErrOutcomeUnknown)
	for _, outcome := range waiting {
		err := (<-outcome).err
		require.ErrorContains(t, err, "closed")
		require.NotErrorIs(t, err, store.ErrOutcomeUnknown)
		require.Empty(t, outcome, "done is called once")
	}
	require.Empty(t, lost)
}

func TestArchiveOutlivesItsConnection(t *testing.T) {
	t.Parallel()
	nc, direct, drop, conns := behindProxy(t)
	a := newArchive(t, nc, time.Hour, 0)
	lost, waiting := startLost(t, a, direct, drop)
	drop.Store(false)
	require.NoError(t, (<-conns).Close())
	require.ErrorIs(t, (<-lost).err, store.ErrOutcomeUnknown)
	for _, outcome := range waiting { // sent when the connection is back
		one := <-outcome
		require.NoError(t, one.err)
		require.Equal(t, "three", string(a.read(t, one.ref)))
	}
	require.Equal(t, uint64(3), streams(t, direct)[answersStream])
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

// TestArchiveInACluster has an archive on each of three servers. A block can be read on all of them as soon as it is
// appended, though their replicas lag behind the leader.
func TestArchiveInACluster(t *testing.T) {
	t.Parallel()
	var archives []archive
	for _, url := range bustest.Cluster(t) {
		nc, err := bus.Connect(t.Context(), bus.Config{URL: url})
		require.NoError(t, err)
		t.Cleanup(nc.Close)
		archives = append(archives, newArchive(t, nc, time.Hour, 0))
	}
	var stored []<-chan appended
	for _, a := range archives {
		stored = append(stored, a.start(t, []byte("first")))
	}
	for _, outcome := range stored {
		require.NoError(t, (<-outcome).err)
	}
	require.Equal(t, 3, archives[0].info(t).Config.Replicas)
	for i := range 100 {
		ref := archives[i%3].mustAppend(t, fmt.Sprint(i))
		for _, a := range archives {
			require.Equal(t, fmt.Sprint(i), string(a.read(t, ref)))
			require.Equal(t, archives[0].made(t), a.made(t))
		}
	}
	require.ErrorIs(t, archives[1].unreadable(t, store.Ref{Sequence: 1000, Offset: 1}), store.ErrBeyondEnd)
}

// FuzzAnswers: whatever a message is, reading it is safe, and what was appended comes back.
func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{
		"", "\x01", "\x01\x00", "\x01\x01a", "\x01\x01a\x02bc", "\x02\x01a", "\x01\x80", "\x01\x80\x00",
		"\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "\x01\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
	} {
		f.Add([]byte(seed), uint32(1))
		f.Add([]byte(seed), ^uint32(0))
	}
	f.Fuzz(func(t *testing.T, data []byte, offset uint32) {
		if block, err := store.BlockAt(data, offset); err != nil {
			require.ErrorIs(t, err, store.ErrBadAnswers)
			require.Nil(t, block)
		} else {
			require.NotNil(t, block)
			require.True(t, bytes.Contains(data, block))
			require.Equal(t, len(block), cap(block), "an append must not write into the next block")
		}
		var group []byte
		offsets := make(map[uint32][]byte)
		for part := range bytes.SplitSeq(data, []byte{0}) {
			longer, at, ok := store.AppendBlock(group, part)
			if !ok {
				require.Greater(t, len(group)+len(part), 15<<10)
				break
			}
			group, offsets[at] = longer, part
		}
		for at, want := range offsets {
			got, err := store.BlockAt(group, at)
			require.NoError(t, err)
			require.Equal(t, string(want), string(got))
		}
	})
}
