//go:build chaos && unix

package chaos_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"syscall"
	"time"
)

// fault is something that goes wrong and is put right.
type fault struct {
	name string
	run  func(s *system, r *rand.Rand)
}

const (
	shortly    = 300 * time.Millisecond // far below a lease
	pointFound = time.Second            // in which a turn comes to the point where its host is to be stopped
)

// sometime is a moment up to most: faults come at times that the seed has drawn, to processes that know no other clock.
func sometime(r *rand.Rand, most time.Duration) { time.Sleep(time.Duration(r.Int64N(int64(most)))) }

func (s *system) someHost(r *rand.Rand) *member { return s.hosts[r.IntN(len(s.hosts))] }

// pastLease is long enough for another host to take over: the server counts it, in real time.
func (s *system) pastLease() { time.Sleep(s.lease + time.Second) }

// killAt kills a host in the middle of a turn.
func killAt(point string) func(*system, *rand.Rand) {
	return func(s *system, r *rand.Rand) {
		m := s.someHost(r)
		m.order("kill " + point)
		select {
		case <-m.gone:
			sometime(r, shortly)
		case <-time.After(pointFound):
		}
		s.restartHost(m)
	}
}

// freezeAt stops a host in the middle of a turn until its lease is over.
func freezeAt(point string) func(*system, *rand.Rand) {
	return func(s *system, r *rand.Rand) {
		m := s.someHost(r)
		m.order("stop " + point)
		sometime(r, shortly)
		s.pastLease()
		m.order("stop nowhere") // if no turn has come to the point, it must not stop when nobody has it go on
		m.signal(syscall.SIGCONT)
		sometime(r, shortly)
		m.signal(syscall.SIGCONT) // it may just have come there
	}
}

func freeze(past bool) func(*system, *rand.Rand) {
	return func(s *system, r *rand.Rand) {
		m := s.someHost(r)
		m.signal(syscall.SIGSTOP)
		if past {
			s.pastLease()
		} else {
			sometime(r, s.lease/2)
		}
		m.signal(syscall.SIGCONT)
	}
}

func cut(in, out bool) func(*system, *rand.Rand) {
	return func(s *system, r *rand.Rand) {
		m := s.someHost(r)
		m.proxy.cut(in, out)
		if sometime(r, shortly); r.IntN(2) == 0 {
			s.pastLease()
		}
		m.proxy.cut(false, false)
	}
}

// faults are what may happen, those of a host first, then those of servers and of the network.
var faults = slices.Concat(processFaults, networkFaults, []fault{accountIsFull})

var processFaults = []fault{
	{"a host is killed", func(s *system, r *rand.Rand) {
		m := s.someHost(r)
		m.kill()
		sometime(r, shortly)
		s.restartHost(m)
	}},
	{"a host is killed before a commit", killAt("before_commit")},
	{"a host is killed after a commit", killAt("after_commit")},
	{"a host is killed before a reply", killAt("before_reply")},
	{"a host is frozen before a commit until its lease is over", freezeAt("before_commit")},
	{"a host is frozen after a commit until its lease is over", freezeAt("after_commit")},
	{"a host is frozen before a reply until its lease is over", freezeAt("before_reply")},
	{"a host is frozen until its lease is over", freeze(true)},
	{"a host is frozen shortly", freeze(false)},
	{"a host is cut off", cut(true, true)},
	{"nothing gets to a host", cut(true, false)},
	{"nothing gets from a host", cut(false, true)},
	{"a host is drained", func(s *system, r *rand.Rand) {
		m := s.someHost(r)
		m.signal(syscall.SIGTERM)
		select {
		case <-m.gone:
		case <-time.After(10 * time.Second):
			s.t.Error("a host did not drain within 10 s")
		}
		s.restartHost(m)
	}},
	{"a server is killed", func(s *system, r *rand.Rand) { s.restartServer(s.servers[r.IntN(len(s.servers))], syscall.SIGKILL) }},
	{"a server is restarted", func(s *system, r *rand.Rand) { s.restartServer(s.servers[r.IntN(len(s.servers))], syscall.SIGTERM) }},
	{"a server is frozen", func(s *system, r *rand.Rand) {
		n := s.servers[r.IntN(len(s.servers))]
		n.signal(syscall.SIGSTOP)
		if sometime(r, shortly); len(s.servers) > 1 {
			sometime(r, s.lease)
		}
		n.signal(syscall.SIGCONT)
	}},
}

// suffer lets faults happen until ctx is done, one after the other.
func (s *system) suffer(ctx context.Context, random *rand.Rand, faults []fault) {
	for sometime(random, time.Second); ctx.Err() == nil; sometime(random, time.Second) {
		s.strike(random, faults)
	}
}

// strike lets one of the faults happen.
func (s *system) strike(random *rand.Rand, faults []fault) {
	f := faults[random.IntN(len(faults))]
	s.t.Logf("%6.2f s: %s", time.Since(s.began).Seconds(), f.name)
	f.run(s, random)
}

func faultNamed(name string) fault {
	for _, f := range slices.Concat(planFaults, messageFaults, stepFaults) {
		if f.name == name {
			return f
		}
	}
	panic("no fault " + name)
}
