package inspect

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/troupe-go/troupe/internal/look"
	"github.com/troupe-go/troupe/internal/wire"
)

const (
	// perHost is how long the pause between two looks is at least for each host. A look takes three messages for a host: its lease,
	// a request and its reply; two more where something runs for long.
	perHost = 100 * time.Millisecond
	// slack is how much sooner than a second a look may be, so that a page that is renewed each second has one each time.
	slack = 50 * time.Millisecond
	// maxSamples is how many looks are remembered: with up to 10 hosts, those of two minutes.
	maxSamples = 120
	// mostLong is how many turns are shown that run for long.
	mostLong = 50
)

// pageTime is how long making a page may take at most.
const pageTime = 30 * time.Second

// sample is one look at all hosts.
type sample struct {
	hosts []look.Host
	all   look.Overview
}

// samples are the last looks. One is made when somebody asks, at most once in a second, whoever else asks.
type samples struct {
	looker *look.Looker
	one    singleflight.Group

	mu   sync.Mutex
	kept []sample // the oldest first
}

// last returns what was seen last, if that is not too old, and else looks.
func (s *samples) last(ctx context.Context) (sample, error) {
	if now, fresh := s.fresh(); fresh {
		return now, nil
	}
	made, err, _ := s.one.Do("", func() (any, error) {
		if now, fresh := s.fresh(); fresh {
			return now, nil
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), pageTime) // others wait for it too
		defer cancel()
		hosts, err := s.looker.Hosts(ctx, mostLong)
		if err != nil {
			return sample{}, err
		}
		now := sample{hosts, look.Together(hosts, mostLong)}
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.kept = append(s.kept, now); len(s.kept) > maxSamples {
			s.kept = append(s.kept[:0], s.kept[1:]...)
		}
		return now, nil
	})
	now, _ := made.(sample)
	return now, err
}

func (s *samples) fresh() (now sample, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.kept) == 0 || len(s.kept[len(s.kept)-1].hosts) == 0 { // the first host is looked for
		return sample{}, false
	}
	now = s.kept[len(s.kept)-1]
	return now, time.Since(now.all.At) < max(time.Second-slack, time.Duration(len(now.hosts))*perHost)
}

// span is what has happened between two looks.
type span struct {
	Took  time.Duration // zero: since the hosts have started
	At    time.Time
	Turns []wire.TurnFigures
}

// window is how long the time is that rates are of, if that long was looked.
const window = 10 * time.Second

// everywhere is what all hosts have done and do.
func everywhere(s *sample) look.Overview { return s.all }

// recent is what has happened in the last ten seconds, and before, look by look: everywhere, or where of says.
func (s *samples) recent(of func(*sample) look.Overview) (now span, before []span) {
	s.mu.Lock()
	kept := append([]sample(nil), s.kept...)
	s.mu.Unlock()
	if len(kept) == 0 {
		return span{}, nil
	}
	last := of(&kept[len(kept)-1])
	now = span{At: kept[len(kept)-1].all.At, Turns: last.Turns}
	earlier := look.Overview{}
	for i := range kept {
		one, at := of(&kept[i]), kept[i].all.At
		if i > 0 {
			if turns, ok := one.Since(earlier); ok {
				before = append(before, span{at.Sub(kept[i-1].all.At), at, turns})
			}
		}
		if now.Took == 0 && i < len(kept)-1 && (now.At.Sub(at) <= window || i == len(kept)-2) {
			if turns, ok := last.Since(one); ok {
				now.Took, now.Turns = now.At.Sub(at), turns
			}
		}
		earlier = one
	}
	return now, before
}

// figures are those of several turns together.
type figures struct {
	Calls, Errors, Own int64
	Total              wire.Spread // of what somebody waits for
}

func together(turns []wire.TurnFigures) (sum figures) {
	for i := range turns {
		one := &turns[i]
		if one.Kind == wire.TurnStep || one.Kind == wire.TurnHook {
			continue // within other turns
		}
		sum.Calls += one.Calls
		for _, n := range one.Errors {
			sum.Errors += n
		}
		for _, n := range one.Own {
			sum.Own += n
		}
		sum.Total = sum.Total.Plus(one.Total)
	}
	return sum
}
