package wake

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/faultlog"
	"github.com/troupe-go/troupe/internal/pause"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// What may fail for long.
const (
	sweeping  = "looking for unsent events of dead hosts failed"
	lookingUp = "reading the subscribers to an event failed"
	hearing   = "hearing of durable events failed"
)

// SweeperConfig configures a Sweeper.
type SweeperConfig struct {
	Conn   *nats.Conn
	Log    *store.EventLog
	Find   bool // whether there are marks of others, as long as this host has made none
	Leases *store.Hosts
	Lease  time.Duration
	ID     func() string // of the host
	// Gone reports whether a host that has a lease seems to be gone all the same, and MakeGone makes certain of it: if so, it
	// has no lease from then on.
	Gone     func(ctx context.Context, host string) bool
	MakeGone func(ctx context.Context, host string) (bool, error)
	Faults   *faultlog.Log
	// Call calls an actor, on whichever host it is.
	Call      func(ctx context.Context, call troupe.Invocation) error
	UntilStop context.Context //nolint:containedctx // the life of the host
}

// Sweeper wakes the actors of dead hosts that may have unsent events. Of all hosts, one at a time has the turn to look for
// them; with few hosts once per lease, with many less often, so that idle hosts send little however many there are.
type Sweeper struct {
	config  SweeperConfig
	running sync.WaitGroup
}

const (
	sweepTimeout, sweepsAtOnce = time.Minute, 64
	// The pauses for each host that is up: between two sweeps, and between two looks of each of the others for the turn.
	sweepPause, turnPause = 200 * time.Millisecond, 500 * time.Millisecond
	// Of more hosts than these, none is pinged: each is gone when its lease is over.
	fewHosts = 8
	// findPause is the pause between two looks for marks that only others have made.
	findPause = 5 * time.Minute
	// A turn that is not kept for turnLasts sweeps is over.
	turnLasts = 2
)

// StartSweeper starts a sweeper. Callers must Stop it, once UntilStop has ended.
func StartSweeper(config SweeperConfig) *Sweeper {
	s := &Sweeper{config: config}
	s.running.Go(s.run)
	return s
}

// Stop waits until the sweeper has ended.
func (s *Sweeper) Stop() { s.running.Wait() }

func (s *Sweeper) run() {
	index := s.awaitIndex()
	if index == nil {
		return
	}
	turn, hosts := index.Turn(), 0
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = turn.GiveUp(ctx) // else it runs out
	}()
	for {
		wait, err := s.sweepInTurn(index, turn, &hosts)
		if err != nil && s.config.UntilStop.Err() == nil && s.config.Conn.IsConnected() {
			s.config.Faults.Failed(sweeping, store.Cause(err), err)
		} else if err == nil {
			s.config.Faults.Works(sweeping)
		}
		if !pause.For(s.config.UntilStop, wait) {
			return
		}
	}
}

// awaitIndex waits until there is an index of subscriptions, and so may be marks. It returns nil when the host stops.
func (s *Sweeper) awaitIndex() *store.Subscriptions {
	ctx := s.config.UntilStop
	for {
		index, _ := s.findIndex(ctx) // if it cannot be found now, it is later
		if index != nil {
			return index
		}
		timer := time.NewTimer(findPause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-s.config.Log.Opened():
			timer.Stop()
			_, index, _ = s.config.Log.Open(ctx)
			return index
		case <-timer.C:
		}
	}
}

func (s *Sweeper) findIndex(ctx context.Context) (*store.Subscriptions, error) {
	if !s.config.Find {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, sweepTimeout)
	defer cancel()
	return s.config.Log.FindIndex(ctx)
}

// sweepInTurn sweeps if it is this host's turn. It returns when to call it again.
func (s *Sweeper) sweepInTurn(index *store.Subscriptions, turn *store.Turn, hosts *int) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(s.config.UntilStop, sweepTimeout)
	defer cancel()
	every := max(s.config.Lease, time.Duration(*hosts)*sweepPause).Round(time.Second)
	mine, known, err := turn.Take(ctx, s.config.ID(), *hosts, turnLasts*every, s.goneAmong(*hosts))
	if *hosts = known; mine {
		return every, s.sweepHosts(ctx, index, hosts)
	}
	wait := max(s.config.Lease, time.Duration(known)*turnPause)
	return wait/2 + rand.N(wait), err // not all at the same moment
}

// goneAmong is Config.Gone where there are so many hosts.
func (s *Sweeper) goneAmong(hosts int) func(ctx context.Context, host string) bool {
	if hosts > fewHosts {
		return func(context.Context, string) bool { return false }
	}
	return s.config.Gone
}

func (s *Sweeper) sweepHosts(ctx context.Context, index *store.Subscriptions, hosts *int) error {
	marked, err := index.MayBeUnsent(ctx)
	if err != nil {
		return err
	}
	leases, err := s.config.Leases.All(ctx)
	if err != nil {
		return err
	}
	*hosts = len(leases)
	up := make(map[string]bool, len(leases))
	for _, lease := range leases {
		up[lease.ID] = true
	}
	var errs []error
	for _, host := range marked {
		if !up[host] || s.goneAmong(len(leases))(ctx, host) {
			errs = append(errs, s.sweepHost(ctx, index, host)) // one that fails does not hold up the others
		}
	}
	return errors.Join(errs...)
}

// sweepHost wakes the actors of a host, if it is dead. They send their events as they wake, and run their loops.
func (s *Sweeper) sweepHost(ctx context.Context, index *store.Subscriptions, host string) error {
	// A host that came back meanwhile would not make its marks again.
	if gone, err := s.config.MakeGone(ctx, host); err != nil || !gone {
		return err
	}
	ofHost, err := index.UnsentHosts(ctx, host)
	if err != nil || len(ofHost) == 0 {
		return err
	}
	marks, err := index.UnsentOf(ctx, host)
	if err != nil {
		return err
	}
	var waking errgroup.Group // without a context: one failure does not end the others
	waking.SetLimit(sweepsAtOnce)
	for _, mark := range marks {
		waking.Go(func() error {
			err := s.config.Call(ctx, troupe.Invocation{ID: mark.ID, Action: wire.NoticeAction, Existing: true, In: wire.Notice{}})
			if err != nil && !errors.Is(err, troupe.ErrNotFound) { // NotFound is fine: the actor does not exist, or is awake
				return err
			}
			return index.Unmark(ctx, mark)
		})
	}
	if err := waking.Wait(); err != nil {
		return err
	}
	return index.Unmark(s.config.UntilStop, ofHost[0])
}
