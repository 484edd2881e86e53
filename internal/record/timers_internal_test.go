package record

import (
	"time"

	"github.com/troupe-go/troupe/codec"
)

// In the tests of this package there is a part more: what a part has to have, and no more.
func init() { known = append(known, &timersPart) } //nolint:gochecknoinits // before any test looks at the list

var timersPart = kind{name: "timers", make: func() Part { return new(Timers) }, feature: "timers"}

// Timers are when an actor wants to be called, by name.
type Timers struct {
	due  map[string]int64 // in Unix milliseconds
	size int64
}

// Timers are those that are set. Nil has none.
func (p *Parts) Timers() *Timers { return get[*Timers](p, &timersPart) }

// Due is when a timer is due, if it is set.
func (t *Timers) Due(name string) (time.Time, bool) {
	if t == nil || t.due[name] == 0 {
		return time.Time{}, false
	}
	return time.UnixMilli(t.due[name]), true
}

// Size implements [Part].
func (t *Timers) Size() int64 {
	if len(t.due) == 0 {
		return 0
	}
	return maxHead + t.size
}

// Append implements [Part].
func (t *Timers) Append(b []byte) []byte {
	b = codec.AppendMap(b, len(t.due))
	for name, due := range t.due {
		b = codec.AppendUint(codec.AppendString(b, name), uint64(due))
	}
	return b
}

// Decode implements [Part].
func (t *Timers) Decode(value []byte) error {
	if err := codec.MsgPack.Unmarshal(value, &t.due); err != nil {
		return err
	}
	for name, due := range t.due {
		if err := checkName("timer", name); err != nil {
			return err
		}
		if due <= 0 {
			return errNotCreated
		}
		t.size += timerSize(name)
	}
	return nil
}

func timerSize(name string) int64 { return textSize(name) + 9 }

// SetTimer is the change of a turn that sets a timer.
type SetTimer struct {
	Name string
	Due  time.Time
}

// Size implements [Change].
func (c SetTimer) Size(p *Parts) int64 {
	if _, set := p.Timers().Due(c.Name); set {
		return 0
	}
	return timerSize(c.Name)
}

// Shared implements [Change].
func (SetTimer) Shared() bool { return true }

// Apply implements [Change].
func (c SetTimer) Apply(p *Parts) {
	t := own[*Timers](p, &timersPart)
	if t.due == nil {
		t.due = make(map[string]int64, 1)
	}
	if t.due[c.Name] == 0 {
		t.size += timerSize(c.Name)
	}
	t.due[c.Name] = c.Due.UnixMilli()
}

// CancelTimer is the change of a turn that cancels one.
type CancelTimer struct{ Name string }

// Size implements [Change].
func (CancelTimer) Size(*Parts) int64 { return 0 }

// Shared implements [Change].
func (CancelTimer) Shared() bool { return true }

// Apply implements [Change].
func (c CancelTimer) Apply(p *Parts) {
	if _, set := p.Timers().Due(c.Name); set {
		t := p.Timers()
		t.size -= timerSize(c.Name)
		delete(t.due, c.Name)
	}
}
