package dedup

import (
	"errors"
	"time"

	"github.com/troupe-go/troupe/codec"
)

// stored is the encoding of Answers in a record.
type stored struct {
	Kept      []answer           `json:"kept"`
	Callers   map[uint64]*caller `json:"callers"`
	Forgetful bool               `json:"forgetful,omitempty"`
}

// Decode decodes what [Answers.Append] has encoded. Another program may have kept more.
func (s *Answers) Decode(encoded []byte) error {
	*s = Answers{}
	var found stored
	if err := codec.MsgPack.Unmarshal(encoded, &found); err != nil {
		return err
	}
	now := time.Now()
	for _, c := range found.Callers {
		if c == nil {
			return errors.New("a caller is nil")
		}
		c.at = now
	}
	for i := range found.Kept {
		a := &found.Kept[i]
		if a.Number == 0 && a.Given == "" {
			return errors.New("an answer is to no call")
		}
		a.at = now
	}
	*s = Answers{kept: found.Kept, callers: found.Callers}
	if found.Forgetful {
		s.forgetful = now.Add(keepAnswers)
	}
	for i := range s.kept {
		s.count(&s.kept[i])
	}
	s.trim()
	if len(s.callers) > maxCallers {
		s.forgetCallers(now)
	}
	return nil
}

// Size is about the number of bytes that [Answers.Append] appends: zero if nothing is remembered.
func (s *Answers) Size() int64 {
	const around, each, eachCaller = 64, 64, 43
	if len(s.callers) == 0 && len(s.kept) == 0 && !s.isForgetful() {
		return 0
	}
	return int64(around + each*len(s.kept) + s.size + eachCaller*len(s.callers))
}

func (s *Answers) isForgetful() bool { return !s.forgetful.IsZero() && time.Now().Before(s.forgetful) }

// Append appends the encoding. It is built by hand, because it is written with every change of an actor.
func (s *Answers) Append(b []byte) []byte {
	forgetful := s.isForgetful()
	fields := 2
	if forgetful {
		fields++
	}
	b = codec.AppendMap(b, fields)
	b = codec.AppendArray(codec.AppendString(b, "kept"), len(s.kept))
	for i := range s.kept {
		b = s.kept[i].append(b)
	}
	b = codec.AppendMap(codec.AppendString(b, "callers"), len(s.callers))
	for id, c := range s.callers {
		b = c.append(codec.AppendUint(b, id))
	}
	if forgetful {
		b = codec.AppendTrue(codec.AppendString(b, "forgetful"))
	}
	return b
}

func (a *answer) append(b []byte) []byte {
	at, fields := len(b), 0
	b = codec.AppendMap(b, 0)
	field := func(name string) {
		fields++
		b = codec.AppendString(b, name)
	}
	if a.Number != 0 {
		field("c")
		b = codec.AppendUint(b, a.Caller)
		field("n")
		b = codec.AppendUint(b, a.Number)
	}
	if a.Given != "" {
		field("g")
		b = codec.AppendString(b, a.Given)
		field("s")
		b = codec.AppendUint(b, uint64(a.Sum))
	}
	if len(a.Output) > 0 {
		field("o")
		b = codec.AppendBytes(b, a.Output)
	}
	if a.Long {
		field("l")
		b = codec.AppendTrue(b)
	}
	codec.AppendMap(b[:at], fields)
	return b
}

func (c *caller) append(b []byte) []byte {
	b = codec.AppendMap(b, 3)
	b = codec.AppendUint(codec.AppendString(b, "f"), c.Floor)
	b = codec.AppendUint(codec.AppendString(b, "h"), c.Highest)
	return codec.AppendUint(codec.AppendString(b, "l"), c.Lost)
}
