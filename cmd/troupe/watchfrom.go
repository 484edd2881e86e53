package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// The headers of a message that JetStream delivers.
const streamHeader, sequenceHeader = "Nats-Stream", "Nats-Sequence"

// watchFrom is where kept events are shown from: a place in their stream, or a time. The zero value shows none.
type watchFrom struct {
	place uint64
	since time.Time
}

func (f watchFrom) isZero() bool { return f.place == 0 && f.since.IsZero() }

// parseFrom parses --from: "first", a place, a duration before now, or a time.
func parseFrom(text string, now time.Time) (watchFrom, error) {
	if text == "" {
		return watchFrom{}, nil
	}
	if text == "first" {
		return watchFrom{place: 1}, nil
	}
	if place, err := strconv.ParseUint(text, 10, 64); err == nil && place > 0 {
		return watchFrom{place: place}, nil
	}
	if ago, err := time.ParseDuration(text); err == nil && ago > 0 {
		return watchFrom{since: now.Add(-ago)}, nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return watchFrom{since: at}, nil
	}
	return watchFrom{}, usageError{fmt.Errorf("--from: expected first, a place such as 17, an age such as 10m, or a time such as "+
		"2006-01-02T15:04:05Z, got %q", text)}
}

// keptPlace is the place of a durable event among the kept ones. It is zero for other events.
func keptPlace(ns wire.Namespace, header nats.Header) uint64 {
	if header.Get(streamHeader) != store.LogName(ns) {
		return 0
	}
	place, err := strconv.ParseUint(header.Get(sequenceHeader), 10, 64)
	if err != nil {
		return 0
	}
	return place
}
