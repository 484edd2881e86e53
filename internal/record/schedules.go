package record

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
)

var schedulesPart = kind{name: "schedules", make: func() Part { return new(Schedules) }, inBytes: true, feature: "schedules"}

// Schedules holds what an actor has scheduled, by when it is due, and the runs that were given up.
type Schedules struct {
	// Alarm is the alarm that rings for the earliest of them, as far as the record knows: none that is yet to ring is later.
	Alarm   Alarm
	due     []Scheduled
	parked  []Parked
	size    int64
	encoded []byte // of due and parked; nil if they have changed since
}

// Alarm is what is to ring for an actor. The zero value is none.
type Alarm struct {
	At       int64  `json:"a"` // in milliseconds since 1970, as all times here
	Sequence uint64 `json:"s"` // in its stream
}

// Scheduled is an action that is to run.
type Scheduled struct {
	Name     string `json:"n"`
	Action   string `json:"a"`
	Input    []byte `json:"i"` // msgpack
	Set      int64  `json:"s"` // when it was made: tells it from others with its name
	Due      int64  `json:"d"`
	Try      int64  `json:"t"` // when it is tried again, after an attempt has failed
	Attempts int    `json:"f"` // that have failed
	Error    string `json:"l"` // of the last of them
	Missed   int    `json:"m"` // earlier times that the run makes up for, after an attempt has failed
	Every    int64  `json:"e"`
	Cron     string `json:"c"`
	Zone     string `json:"z"`
	Policy   string `json:"p"` // when times are missed; empty: once
	Offset   int64  `json:"o"` // by how much it is later than its grid
}

// At is when it is to run next.
func (s *Scheduled) At() int64 { return max(s.Due, s.Try) }

// Recurs reports whether it runs more than once.
func (s *Scheduled) Recurs() bool { return s.Every != 0 || s.Cron != "" }

// Parked is a run that was given up, or the last of a recurring schedule's.
type Parked struct {
	Run   Scheduled `json:"r"`
	Count int       `json:"n"` // how many were given up
}

// LoopPause is the name of the schedule for the end of a pause of the actor's run loop. No action is scheduled by it.
const LoopPause = "_loop"

// WorkflowTime is the name of the schedule for when the workflow of the actor goes on.
const WorkflowTime = "_workflow"

// Internal reports whether the schedule is one of Troupe's own.
func (s *Scheduled) Internal() bool { return IsInternal(s.Name) }

// IsInternal reports whether a name is that of a schedule of Troupe's own: an actor has one of each at most.
func IsInternal(name string) bool { return name == LoopPause || name == WorkflowTime }

// MaxParked is how many parked runs an actor keeps; beyond that, the oldest go.
const MaxParked = 64

// Schedules returns what the actor has scheduled, or nil.
func (p *Parts) Schedules() *Schedules { return get[*Schedules](p, &schedulesPart) }

// Len is how many schedules there are.
func (s *Schedules) Len() int {
	if s == nil {
		return 0
	}
	return len(s.due)
}

// First is when the earliest is to run, or zero if there is none.
func (s *Schedules) First() int64 {
	if s.Len() == 0 {
		return 0
	}
	return s.due[0].At()
}

// AlarmFor is for when an alarm must be set that is to be the only one: for the first schedule, but not for later than the one that
// the record names and that has not rung by some time. Who loads the record goes by that.
func (s *Schedules) AlarmFor(first, rang int64) int64 {
	if s.Alarm.At > rang {
		return min(first, s.Alarm.At)
	}
	return first
}

// Own yields the schedules that the actor has made, by when they are to run. They must not be changed.
func (s *Schedules) Own() iter.Seq[*Scheduled] {
	return func(yield func(*Scheduled) bool) {
		for one := range s.All() {
			if !one.Internal() && !yield(one) {
				return
			}
		}
	}
}

// All yields those and Troupe's own.
func (s *Schedules) All() iter.Seq[*Scheduled] {
	return func(yield func(*Scheduled) bool) {
		for i := range s.Len() {
			if !yield(&s.due[i]) {
				return
			}
		}
	}
}

// Parked are the runs that were given up, the oldest first. They must not be changed.
func (s *Schedules) Parked() []Parked {
	if s == nil {
		return nil
	}
	return s.parked
}

// Find returns the schedule with a name, or nil.
func (s *Schedules) Find(name string) *Scheduled {
	if s == nil {
		return nil
	}
	if i := s.find(name); i >= 0 {
		return &s.due[i]
	}
	return nil
}

func (s *Schedules) find(name string) int {
	return slices.IndexFunc(s.due, func(one Scheduled) bool { return one.Name == name })
}

// FindParked returns what is parked under a name, or nil.
func (s *Schedules) FindParked(name string) *Parked {
	if s == nil {
		return nil
	}
	if i := s.findParked(name); i >= 0 {
		return &s.parked[i]
	}
	return nil
}

func (s *Schedules) findParked(name string) int {
	return slices.IndexFunc(s.parked, func(one Parked) bool { return one.Run.Name == name })
}

func (s *Schedules) changed() { s.encoded = nil }

func (s *Schedules) put(one Scheduled) {
	s.remove(one.Name)
	i, _ := slices.BinarySearchFunc(s.due, one.At(), func(other Scheduled, at int64) int {
		return cmp.Or(cmp.Compare(other.At(), at), -1) // behind those of the same time
	})
	s.due = slices.Insert(s.due, i, one)
	s.size += one.Size()
	s.changed()
}

func (s *Schedules) remove(name string) {
	if i := s.find(name); i >= 0 {
		s.size -= s.due[i].Size()
		s.due = slices.Delete(s.due, i, i+1)
		s.changed()
	}
}

func (s *Schedules) park(one Scheduled) {
	count := 1
	if was := s.FindParked(one.Name); was != nil {
		count += was.Count
		s.unpark(one.Name)
	}
	if len(s.parked) == MaxParked {
		s.unpark(s.parked[0].Run.Name)
	}
	s.parked = append(s.parked, Parked{one, count})
	s.size += parkedSize(&one)
	s.changed()
}

func (s *Schedules) unpark(name string) {
	if i := s.findParked(name); i >= 0 {
		s.size -= parkedSize(&s.parked[i].Run)
		s.parked = slices.Delete(s.parked, i, i+1)
		s.changed()
	}
}

// Size is the largest size of a schedule or of a parked run, in bytes: also after attempts have failed, but for what is known of
// the last of them then.
func (s *Scheduled) Size() int64 {
	const name, number = 2, 2 + 9
	size := int64(5 + 5*number + name + 5 + len(s.Input)) // set, due, try, attempts, missed, input
	for _, text := range [...]string{s.Name, s.Action, s.Error, s.Cron, s.Zone, s.Policy} {
		if text != "" {
			size += name + textSize(text)
		}
	}
	for _, n := range [...]int64{s.Every, s.Offset} {
		if n != 0 {
			size += number
		}
	}
	return size
}

// parkedSize is the largest size of a parked run: with a map and a number around it.
func parkedSize(run *Scheduled) int64 { return 1 + 2*2 + 9 + run.Size() }

// Bytes is how much of the record the schedules take, or less.
func (s *Schedules) Bytes() int64 {
	if s == nil {
		return 0
	}
	return s.size
}

// Size implements [Part].
func (s *Schedules) Size() int64 {
	if len(s.due)+len(s.parked) == 0 {
		return 0
	}
	return 4*maxHead + 2*9 + 6*2 + s.size
}

// Append implements [Part].
func (s *Schedules) Append(b []byte) []byte {
	b = codec.AppendMap(b, 3)
	b = codec.AppendMap(codec.AppendString(b, "alarm"), 2)
	b = codec.AppendUint(codec.AppendString(b, "a"), uint64(max(s.Alarm.At, 0)))
	b = codec.AppendUint(codec.AppendString(b, "s"), s.Alarm.Sequence)
	if s.encoded == nil { // most changes are to other parts
		s.encoded = s.append(make([]byte, 0, s.Size()))
	}
	return append(b, s.encoded...)
}

func (s *Schedules) append(b []byte) []byte {
	b = codec.AppendArray(codec.AppendString(b, "due"), len(s.due))
	for i := range s.due {
		b = s.due[i].append(b)
	}
	b = codec.AppendArray(codec.AppendString(b, "parked"), len(s.parked))
	for i := range s.parked {
		b = codec.AppendMap(b, 2)
		b = codec.AppendUint(codec.AppendString(b, "n"), uint64(s.parked[i].Count))
		b = s.parked[i].Run.append(codec.AppendString(b, "r"))
	}
	return b
}

func (s *Scheduled) append(b []byte) []byte {
	at, fields := len(b), 0
	b = codec.AppendMap(b, 0)
	text := func(name, value string) {
		if value != "" {
			fields++
			b = codec.AppendString(codec.AppendString(b, name), value)
		}
	}
	number := func(name string, value int64) {
		if value > 0 {
			fields++
			b = codec.AppendUint(codec.AppendString(b, name), uint64(value))
		}
	}
	text("n", s.Name)
	text("a", s.Action)
	if len(s.Input) > 0 {
		fields++
		b = codec.AppendBytes(codec.AppendString(b, "i"), s.Input)
	}
	number("s", s.Set)
	number("d", s.Due)
	number("t", s.Try)
	number("f", int64(s.Attempts))
	text("l", s.Error)
	number("m", int64(s.Missed))
	number("e", s.Every)
	text("c", s.Cron)
	text("z", s.Zone)
	text("p", s.Policy)
	number("o", s.Offset)
	codec.AppendMap(b[:at], fields)
	return b
}

// Decode implements [Part].
func (s *Schedules) Decode(value []byte) error {
	var decoded struct {
		Alarm  Alarm       `json:"alarm"`
		Due    []Scheduled `json:"due"`
		Parked []Parked    `json:"parked"`
	}
	if err := codec.MsgPack.Unmarshal(value, &decoded); err != nil {
		return err
	}
	if decoded.Alarm.At < 0 || len(decoded.Due) > troupe.MaxSchedules+2 || len(decoded.Parked) > MaxParked {
		return errors.New("more than an actor has")
	}
	s.Alarm = decoded.Alarm
	names := make(map[string]bool, len(decoded.Due))
	for _, one := range decoded.Due {
		if err := one.check(); err != nil {
			return err
		}
		if names[one.Name] {
			return fmt.Errorf("%s is there twice", one.Name)
		}
		names[one.Name] = true
		s.size += one.Size()
	}
	s.due = decoded.Due
	slices.SortStableFunc(s.due, func(a, b Scheduled) int { return cmp.Compare(a.At(), b.At()) })
	for _, one := range decoded.Parked {
		if err := one.Run.check(); err != nil {
			return err
		}
		if s.findParked(one.Run.Name) >= 0 || one.Count < 1 {
			return fmt.Errorf("%s is parked %d times", one.Run.Name, one.Count)
		}
		s.parked, s.size = append(s.parked, one), s.size+parkedSize(&one.Run)
	}
	s.changed()
	return nil
}

// What is computed from these does not overflow, in milliseconds: the last time of the year 9999, and a hundred years.
const maxTime, maxSpan = 253_402_300_799_999, 100 * 366 * 24 * 3600 * 1000

func (s *Scheduled) check() error {
	if !s.Internal() {
		if err := checkName("schedule", s.Name); err != nil {
			return err
		}
	}
	for _, number := range [...]struct{ is, most int64 }{
		{s.Set, maxTime}, {s.Try, maxTime}, {s.Every, maxSpan}, {s.Offset, maxSpan},
		{int64(s.Attempts), math.MaxInt32}, {int64(s.Missed), math.MaxInt32},
	} {
		if number.is < 0 || number.is > number.most {
			return fmt.Errorf("%s has the number %d", s.Name, number.is)
		}
	}
	if s.Due <= 0 || s.Due > maxTime || s.Action == "" || s.Every != 0 && s.Cron != "" {
		return fmt.Errorf("%s says not when something runs", s.Name)
	}
	return nil
}
