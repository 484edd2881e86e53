package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/internal/bustest"
	"github.com/troupe-go/troupe/internal/store"
)

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
