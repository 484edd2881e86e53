package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/troupe-go/troupe/internal/wire"
)

// Journals is the stream with the journals of all hosts of a namespace.
type Journals struct {
	records *Records
	stream  *bucket
	eager   bool
}

// journalOverTTL is how long a finished journal is remembered. A host that still writes to it afterwards fails, because
// it expects a message to follow.
const journalOverTTL = time.Hour

// OpenJournals opens the journals of a namespace, and creates their stream if there is none: see [OpenRecords]. If
// eager is true, every write goes to the journal that may; that is for tests.
func OpenJournals(ctx context.Context, records *Records, ns wire.Namespace, s Settings, eager bool) (*Journals, error) {
	stream, err := openBucket(ctx, records.bucket.js, forJournals, journalConfig(ns, s), s)
	if err != nil {
		return nil, err
	}
	return &Journals{records, stream, eager}, nil
}

func journalConfig(ns wire.Namespace, s Settings) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:        journalName(ns),
		Description: "What actors have changed and is not in their records yet",
		Subjects:    []string{ns.Name() + ".journal.>"},
		MaxBytes:    s.MaxBytes.Journal,
		Discard:     jetstream.DiscardNew,
		AllowDirect: true,
		AllowRollup: true,
		AllowMsgTTL: true,
	}
}

// FindJournals opens the journals that a host has made, and returns nil if there are none.
func FindJournals(ctx context.Context, records *Records, ns wire.Namespace) (*Journals, error) {
	stream, err := findStream(ctx, records.bucket.js, journalName(ns))
	if err != nil || stream == nil {
		return nil, err
	}
	return &Journals{records, newBucket(records.bucket.js, stream, ns.Name()+".journal."), false}, nil
}

func journalName(ns wire.Namespace) string { return ns.Name() + "-journal" }

// Check is [Records.Check] for the journals. Whoever has one open must tell it: see [Journal.Replaced].
func (js *Journals) Check(ctx context.Context) (*Replaced, error) { return js.stream.check(ctx) }

// Unfinished returns the hosts whose journals may have changes that are not in the records, those that are up too.
func (js *Journals) Unfinished(ctx context.Context) (hosts []string, err error) {
	subjects, err := js.stream.subjects(ctx, js.stream.prefix+"*.0")
	if err != nil {
		return nil, fmt.Errorf("listing the journals: %w", err)
	}
	for subject := range subjects {
		key := strings.TrimPrefix(subject, js.stream.prefix)
		if _, state, err := js.last(ctx, key); err != nil {
			return nil, err
		} else if state != journalOver {
			hosts = append(hosts, strings.TrimSuffix(key, ".0"))
		}
	}
	return hosts, nil
}

// last returns the last message of a journal: its sequence number, zero if there is none, and its header.
func (js *Journals) last(ctx context.Context, key string) (sequence uint64, state string, err error) {
	msg, err := js.stream.last(ctx, js.stream.prefix+key)
	switch {
	case err != nil:
		return 0, "", fmt.Errorf("reading the journal %s: %w", key, err)
	case msg == nil:
		return 0, "", nil
	}
	return msg.Sequence, wire.FirstHeader(msg.Header, headerJournal), nil
}

// Messages of a journal without a group have this header, with one of these values.
const (
	headerJournal  = "Troupe-Journal"
	journalOpen    = "open"    // the host may append
	journalEmptied = "emptied" // everything before it is in the records
	journalSealed  = "sealed"  // by the host that takes over: nothing may follow
	journalOver    = "over"    // as sealed, and everything is in the records
)

// mark writes a message without a group. Emptied and over replace all messages before.
func (js *Journals) mark(ctx context.Context, key, what string, expected uint64) (uint64, error) {
	msg := &nats.Msg{Subject: js.stream.prefix + key, Header: nats.Header{headerJournal: {what}}}
	ttl := time.Duration(0)
	switch what {
	case journalOver:
		ttl = journalOverTTL
		fallthrough
	case journalEmptied:
		msg.Header[jetstream.MsgRollup] = []string{jetstream.MsgRollupSubject}
	}
	return js.stream.write(ctx, msg, expected, ttl)
}
