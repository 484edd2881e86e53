//go:build chaos && unix

package chaos_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/client"
)

// messageFaults are those of messages, beside what else may happen.
var messageFaults = []fault{
	{"a host is killed before it acks a message", killAt("before_message_ack")},
	{"a host is killed before it moves a message", killAt("before_move")},
	{"a host is killed when it has moved a message", killAt("after_move")},
	{"a host is frozen before it acks a message until its lease is over", freezeAt("before_message_ack")},
	{"a host is frozen before it moves a message until its lease is over", freezeAt("before_move")},
	{"a host is frozen when it has moved a message until its lease is over", freezeAt("after_move")},
}

// postFaults are as many of each kind, so that messages have their share.
var postFaults = slices.Concat(faults, messageFaults, messageFaults)

const (
	posters     = 6
	postOffices = 24
	betweenPost = 60 * time.Millisecond
)

// poster is a client that pushes messages, itself or by way of a post office.
type poster struct {
	number int
	client *client.Client
	random *rand.Rand
	ids    *atomic.Int32
	posted []posted
	faults []string
}

// posted is a message, and what its sender knows of it.
type posted struct {
	relayed

	By      string `json:"by,omitempty"` // the post office whose turn has pushed it, if any
	Unknown bool   `json:"unknown"`      // it may not have been stored
}

// TestChaosQueues has clients and actors push messages while faults happen: with ids, over and over until that is acknowledged, and
// without, once. Some fail at first, some always, and some as luck has it. In the end each message that was acknowledged was
// handled once, or is a dead letter.
func TestChaosQueues(t *testing.T) {
	t.Parallel()
	eachSeed(t, "post", postFaults, runPost)
}

// runPost has messages pushed while the faults of a scenario happen, waits until none waits any more, and counts.
func runPost(t *testing.T, sc scenario) findings {
	t.Helper()
	s := begin(t, sc.servers, sc.name+".log", sc.env...)
	defer s.end()
	var ids atomic.Int32
	var all []*poster
	var runs []clientRun
	for i, cl := range s.connect(posters) {
		c := &poster{number: i, client: cl, ids: &ids, random: rand.New(rand.NewPCG(sc.seed, uint64(3000+i)))}
		all, runs = append(all, c), append(runs, c.run)
	}
	s.run(sc, 4, runs)
	found := findings{faults: slices.Clone(s.found)}
	found.faults = append(found.faults, s.awaitQueues(cmp.Or(sc.settling, settling))...)
	var sent []posted
	y, noted := new(postYield), all[0].noted(t)
	for _, c := range all {
		found.faults = append(found.faults, c.faults...)
		found.faults = append(found.faults, checkFiled(c.posted, noted, y)...)
		sent = append(sent, c.posted...)
	}
	found.faults = append(found.faults, checkPost(sent, countPost(noted), all[0].dead(t), y)...)
	t.Logf("%s: %s", y, save(t, sent, sc.name+".jsonl"))
	return found
}

// run pushes messages until ctx is done, and the last one until give is.
func (c *poster) run(ctx, give context.Context) {
	for ctx.Err() == nil {
		id := c.ids.Add(1)
		one := posted{relayed: relayed{To: fmt.Sprint("o", c.random.IntN(postOffices)), Parcel: parcel{ID: id}}}
		switch c.random.IntN(8) {
		case 0, 1:
			one.Parcel.Fails = 1 + c.random.IntN(2)
		case 2:
			one.Parcel.Fails = 1000
		case 3:
			one.Parcel.Risky = true
		}
		one.Parcel.Filed = c.random.IntN(3) == 0
		if c.random.IntN(2) == 0 {
			one.By = fmt.Sprint("o", c.random.IntN(postOffices))
		}
		if c.random.IntN(2) == 0 {
			one.Name = fmt.Sprint("parcel-", id)
		}
		c.post(give, &one)
		c.posted = append(c.posted, one)
		sometime(c.random, betweenPost)
	}
}

// post pushes a message: over and over if it can take effect once only.
func (c *poster) post(ctx context.Context, p *posted) {
	var why error
	for ctx.Err() == nil {
		one, cancel := context.WithTimeout(ctx, callTimeout/3)
		var err error
		if p.By == "" {
			err = p.push(one, c.client)
		} else {
			named := troupe.WithRequestID(one, fmt.Sprint("relay-", p.Parcel.ID))
			_, err = relay.Call(named, troupe.GetOrCreate[postOffice](c.client, p.By), p.relayed)
		}
		cancel()
		failed, _ := errors.AsType[*troupe.Error](err)
		switch {
		case err == nil:
			return
		case p.By == "" && p.Name == "" && !failed.Retryable:
			p.Unknown = true
			return
		}
		why = err
		sometime(c.random, shortly)
	}
	c.faults = append(c.faults, fmt.Sprintf("%+v was never acknowledged: %v", *p, why))
	p.Unknown = true
}

// awaitQueues waits until no message waits any more.
func (s *system) awaitQueues(most time.Duration) []string {
	nc, err := nats.Connect(s.urls())
	require.NoError(s.t, err)
	defer nc.Close()
	js, err := jetstream.New(nc)
	require.NoError(s.t, err)
	left := func() (left []string) {
		for _, name := range []string{"troupe-queue", "troupe-later", "troupe-inorder"} {
			stream, err := js.Stream(s.t.Context(), name)
			if err != nil {
				left = append(left, err.Error())
				continue
			}
			info, err := stream.Info(s.t.Context(), jetstream.WithSubjectFilter(">"))
			if err != nil {
				left = append(left, err.Error())
				continue
			}
			for subject := range info.State.Subjects {
				if subject != "troupe.ripe._stuck" {
					left = append(left, "a message is left: "+subject)
				}
			}
		}
		return left
	}
	for began := time.Now(); ; {
		found := left()
		if len(found) > 0 && time.Since(began) > most {
			s.showQueues(js)
		}
		if len(found) == 0 || time.Since(began) > most {
			return found
		}
		// Hosts are other processes: all there is to do is to ask again.
		time.Sleep(betweenAudits)
	}
}

// showQueues logs what the server knows of the feeds of messages.
func (s *system) showQueues(js jetstream.JetStream) {
	for _, name := range []string{"troupe-queue", "troupe-later", "troupe-inorder"} {
		stream, err := js.Stream(s.t.Context(), name)
		require.NoError(s.t, err)
		for consumer := range stream.ListConsumers(s.t.Context()).Info() {
			s.t.Logf("the feed %s: %d are to be acked, %d were delivered again, %d are to be delivered, %d hosts ask; acked up to %+v, delivered up to %+v, of %+v",
				consumer.Name, consumer.NumAckPending, consumer.NumRedelivered, consumer.NumPending, consumer.NumWaiting, consumer.AckFloor,
				consumer.Delivered, stream.CachedInfo().State)
		}
	}
}

// noted are the messages that each post office has noted, in order.
func (c *poster) noted(t *testing.T) map[string][]int32 {
	t.Helper()
	all := map[string][]int32{}
	for i := range postOffices {
		ctx, cancel := context.WithTimeout(t.Context(), settling)
		office := fmt.Sprint("o", i)
		noted, err := delivered.Call(ctx, troupe.GetOrCreate[postOffice](c.client, office), nil)
		cancel()
		require.NoError(t, err)
		all[office] = noted
	}
	return all
}

// dead are the dead letters, each with how many there are.
func (c *poster) dead(t *testing.T) map[int32]int {
	t.Helper()
	all := map[int32]int{}
	for i := range postOffices {
		for _, queue := range []troupe.Queue[postOffice, parcel]{deliver, file} {
			for letter, err := range queue.Dead(t.Context(), troupe.GetOrCreate[postOffice](c.client, fmt.Sprint("o", i))) {
				require.NoError(t, err)
				all[letter.Message.ID]++
			}
		}
	}
	return all
}
