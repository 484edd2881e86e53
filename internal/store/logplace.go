package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/troupe-go/troupe"
)

// LogPlace is where an event is, in which log: see [troupe.Place]. With the sequence 0 it is before the first at a time.
type LogPlace struct {
	Made     time.Time // the log
	Sequence uint64
	Time     time.Time // of the event
}

// PlaceOf is where an event of the log is.
func (l *Log) PlaceOf(e Logged) LogPlace {
	return LogPlace{l.stream.stream.CachedInfo().Created, e.Sequence, e.Time}
}

// Text is the place as programs keep it.
func (p LogPlace) Text() troupe.Place {
	nanos := func(t time.Time) string { return strconv.FormatInt(t.UnixNano(), 36) }
	return troupe.Place(nanos(p.Made) + "." + strconv.FormatUint(p.Sequence, 36) + "." + nanos(p.Time))
}

// ParseLogPlace reads a place.
func ParseLogPlace(text troupe.Place) (LogPlace, error) {
	if text == "" {
		return LogPlace{}, nil
	}
	parts := strings.Split(string(text), ".")
	if len(parts) != 3 {
		return LogPlace{}, errNoPlace(text)
	}
	var numbers [3]uint64
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 36, 63)
		if err != nil {
			return LogPlace{}, errNoPlace(text)
		}
		numbers[i] = n
	}
	return LogPlace{time.Unix(0, int64(numbers[0])), numbers[1], time.Unix(0, int64(numbers[2]))}, nil
}

func errNoPlace(text troupe.Place) error {
	return &troupe.Error{Code: troupe.CodeBadInput, Message: fmt.Sprintf("%.80q is no place in the log of events", string(text))}
}

// ErrOtherLog is the error when what comes after a place is not what came after it once.
var ErrOtherLog = errors.New("the log of events is another one now")

// Has returns [ErrOtherLog] unless the log is still the one of a place, as far as anybody can tell.
func (l *Log) Has(ctx context.Context, p LogPlace) error {
	if p.Sequence == 0 {
		return nil
	}
	asked, wait := l.stream.reading(ctx, askInfo)
	stream, err := l.stream.js.Stream(asked, l.stream.name())
	err = wait.End(err)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return fmt.Errorf("%w: it is gone", ErrOtherLog)
	}
	if err != nil {
		return explain(l.stream.name(), err)
	}
	info := stream.CachedInfo()
	switch {
	case !info.Created.Equal(p.Made):
		return fmt.Errorf("%w: it was deleted, and made again at %s", ErrOtherLog, info.Created.UTC().Format(time.RFC3339))
	case info.State.LastSeq < p.Sequence:
		return fmt.Errorf("%w: it was put back to an older copy, from %d to %d", ErrOtherLog, p.Sequence, info.State.LastSeq)
	}
	asked, wait = l.stream.reading(ctx, askGet)
	msg, err := stream.GetMsg(asked, p.Sequence)
	switch err = wait.End(err); {
	case errors.Is(err, jetstream.ErrMsgNotFound): // too old
		return nil
	case err != nil:
		return explain(l.stream.name(), err)
	case !msg.Time.Equal(p.Time):
		return fmt.Errorf("%w: it was put back to an older copy, and went on from there", ErrOtherLog)
	}
	return nil
}
